using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys.Usage;

/// <summary>One version's counters in memory, and how far it may spend without a write.</summary>
internal sealed class UsageMeter(int version)
{
    private VersionUsage _stored = new(version, 0, 0, 0, 0, null);
    private long _decrypted;
    private long _verified;
    private long _bytes;
    private long _lastUsedTicks;

    public int Version => _stored.Version;

    /// <summary>Uses spent from the version's budget; never below the truth.</summary>
    public long Spent { get; private set; }

    /// <summary>Uses reserved in the stored row.</summary>
    public long Ceiling => _stored.Ceiling;

    /// <summary>Up to where this activation may spend: the ceiling, or a threshold that has since come to lie below it.</summary>
    public long SpendUntil { get; set; }

    /// <summary>How many uses the last reservation was for.</summary>
    public long Block { get; set; }

    public long Decrypted => _stored.Decrypted + _decrypted;

    public long Verified => _stored.Verified + _verified;

    public long Bytes => _stored.Bytes + _bytes;

    public DateTimeOffset? LastUsedAt =>
        _lastUsedTicks > (_stored.LastUsedAt?.UtcTicks ?? 0) ? new(_lastUsedTicks, TimeSpan.Zero) : _stored.LastUsedAt;

    /// <summary>Whether something was counted that no row holds yet.</summary>
    public bool HasUnsaved => _decrypted != 0 || _verified != 0 || _bytes != 0;

    /// <summary>Whether a use is reserved that <see cref="TrySpend"/> would spend.</summary>
    public bool CanSpend => Spent < SpendUntil;

    /// <summary>Spends one use, if one is reserved. A use that is spent is never given back.</summary>
    public bool TrySpend()
    {
        if (!CanSpend)
        {
            return false;
        }

        Spent++;
        return true;
    }

    public void CountBytes(int bytes, long nowTicks)
    {
        _bytes += bytes;
        _lastUsedTicks = nowTicks;
    }

    public void CountDecryption(int bytes, long nowTicks)
    {
        _decrypted++;
        CountBytes(bytes, nowTicks);
    }

    /// <summary>Takes over what a row says. What was reserved counts as spent, since whoever reserved it may have used it.</summary>
    public void Resume(VersionUsage stored)
    {
        _stored = stored;
        Spent = Math.Max(Spent, stored.Ceiling);
        SpendUntil = Spent;
    }

    /// <summary>What the next row shall hold.</summary>
    /// <param name="ceiling">The ceiling to store.</param>
    public VersionUsage ToStored(long ceiling) => new(Version, ceiling, Decrypted, Verified, Bytes, LastUsedAt);

    /// <summary>Notes that a row made by <see cref="ToStored"/> was written; what was counted since then stays unsaved.</summary>
    public void Saved(VersionUsage written)
    {
        _decrypted = Decrypted - written.Decrypted;
        _verified = Verified - written.Verified;
        _bytes = Bytes - written.Bytes;
        _stored = written;
    }
}

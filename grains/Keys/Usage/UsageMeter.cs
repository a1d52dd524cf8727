using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys.Usage;

/// <summary>One version's counters in memory, and how far it may spend without another write.</summary>
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

    /// <summary>How far this activation may spend: to the ceiling, or to a threshold that has since moved below it.</summary>
    public long SpendUntil { get; set; }

    /// <summary>The size of the last reservation.</summary>
    public long Block { get; set; }

    public long Decrypted => _stored.Decrypted + _decrypted;

    public long Verified => _stored.Verified + _verified;

    public long Bytes => _stored.Bytes + _bytes;

    public DateTimeOffset? LastUsedAt =>
        _lastUsedTicks > (_stored.LastUsedAt?.UtcTicks ?? 0) ? new(_lastUsedTicks, TimeSpan.Zero) : _stored.LastUsedAt;

    /// <summary>Whether any counts are not in the row yet.</summary>
    public bool HasUnsaved => _decrypted != 0 || _verified != 0 || _bytes != 0;

    /// <summary>Whether a use is reserved.</summary>
    public bool CanSpend => Spent < SpendUntil;

    /// <summary>Spends one use, if one is reserved. A spent use is never given back.</summary>
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

    public void CountVerification(int bytes, long nowTicks)
    {
        _verified++;
        CountBytes(bytes, nowTicks);
    }

    /// <summary>Resumes a stored row. Reserved uses count as spent, since they may have been.</summary>
    public void Resume(VersionUsage stored)
    {
        _stored = stored;
        Spent = Math.Max(Spent, stored.Ceiling);
        SpendUntil = Spent;
    }

    /// <summary>Takes over what a backup counted, where that is more.</summary>
    public void TakeOver(VersionUsage counted) => Resume(new(
        Version, Math.Max(_stored.Ceiling, counted.Ceiling), Math.Max(_stored.Decrypted, counted.Decrypted), Math.Max(_stored.Verified, counted.Verified),
        Math.Max(_stored.Bytes, counted.Bytes), _stored.LastUsedAt > counted.LastUsedAt ? _stored.LastUsedAt : counted.LastUsedAt ?? _stored.LastUsedAt));

    /// <summary>The values for the next row.</summary>
    /// <param name="ceiling">The ceiling to store.</param>
    public VersionUsage ToStored(long ceiling) => new(Version, ceiling, Decrypted, Verified, Bytes, LastUsedAt);

    /// <summary>Notes that the result of <see cref="ToStored"/> was written; later counts stay unsaved.</summary>
    public void Saved(VersionUsage written)
    {
        _decrypted = Decrypted - written.Decrypted;
        _verified = Verified - written.Verified;
        _bytes = Bytes - written.Bytes;
        _stored = written;
    }
}

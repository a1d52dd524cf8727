using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys.Usage;

/// <summary>One version's counters in memory, and how far it may spend without another write.</summary>
/// <remarks>
/// The ceiling is a sum: what each activation has reserved, less what it gave back when it ended. So it is never below the uses made and
/// those that anyone may still make, and whoever gives back subtracts its own from whatever the row has by then.
/// </remarks>
internal sealed class UsageMeter(int version)
{
    private VersionUsage _stored = None(version);
    private long _decrypted;
    private long _verified;
    private long _bytes;
    private long _lastUsedTicks;

    public int Version => _stored.Version;

    /// <summary>Uses spent from the version's budget, and those that other activations hold; never below the truth.</summary>
    public long Spent => Ceiling - Unspent;

    /// <summary>Uses reserved in the stored row.</summary>
    public long Ceiling => _stored.Ceiling;

    /// <summary>Uses that this activation has reserved and not spent. Only an acknowledged write makes them its own.</summary>
    public long Unspent { get; private set; }

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

        Unspent--;
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

    /// <summary>
    /// Resumes a stored row. What others have reserved counts as spent, since it may have been; what this activation has stays its own.
    /// </summary>
    /// <param name="stored">The version's counters; null where the row has none.</param>
    public void Resume(VersionUsage? stored)
    {
        _stored = stored ?? None(Version);
        SpendUntil = Spent;
    }

    /// <summary>Unspent uses count as spent: they may have been given back, or the row may not have them.</summary>
    public void Forfeit()
    {
        Unspent = 0;
        SpendUntil = Spent;
    }

    /// <summary>Takes over what a backup counted, where that is more: the ceiling is no sum any more, so nothing of it is given back.</summary>
    public void TakeOver(VersionUsage counted)
    {
        Forfeit();
        Resume(new(
            Version, Math.Max(_stored.Ceiling, counted.Ceiling), Math.Max(_stored.Decrypted, counted.Decrypted), Math.Max(_stored.Verified, counted.Verified),
            Math.Max(_stored.Bytes, counted.Bytes), _stored.LastUsedAt > counted.LastUsedAt ? _stored.LastUsedAt : counted.LastUsedAt ?? _stored.LastUsedAt));
    }

    /// <summary>The values for the next row.</summary>
    /// <param name="ceiling">The ceiling to store.</param>
    public VersionUsage ToStored(long ceiling) => new(Version, ceiling, Decrypted, Verified, Bytes, LastUsedAt);

    /// <summary>
    /// Notes that the result of <see cref="ToStored"/> was written; later counts stay unsaved. A higher ceiling has reserved uses, and a lower
    /// one has given them back.
    /// </summary>
    public void Saved(VersionUsage written)
    {
        _decrypted = Decrypted - written.Decrypted;
        _verified = Verified - written.Verified;
        _bytes = Bytes - written.Bytes;
        Unspent += written.Ceiling - Ceiling;
        _stored = written;
    }

    private static VersionUsage None(int version) => new(version, 0, 0, 0, 0, null);
}

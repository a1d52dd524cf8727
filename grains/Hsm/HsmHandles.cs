using System.Collections.Concurrent;

namespace OrleansKms.Grains.Hsm;

/// <summary>
/// Tells the sessions which cached handles of keys to drop. A token may give the handle of a destroyed key to the next one it
/// makes; so a handle is dropped as soon as this silo learns that another has destroyed its key.
/// </summary>
internal sealed class HsmHandles
{
    private const int MaxIds = 4096;

    private readonly ConcurrentDictionary<string, long> _forgotten = new(StringComparer.Ordinal);
    private long _now;
    private long _allForgotten;

    /// <summary>The time stamp of a lookup.</summary>
    public long Now => Interlocked.Read(ref _now);

    /// <summary>From now on the handles of a key are looked up again.</summary>
    /// <param name="id">Its CKA_ID.</param>
    public void Forget(ReadOnlySpan<byte> id)
    {
        var now = Interlocked.Increment(ref _now);
        if (_forgotten.Count >= MaxIds)
        {
            Interlocked.Exchange(ref _allForgotten, now);
            _forgotten.Clear();
        }

        _forgotten[Convert.ToHexString(id)] = now;
    }

    /// <summary>Whether a handle may still be used.</summary>
    /// <param name="id">The key's CKA_ID in hexadecimal.</param>
    /// <param name="foundAt">When it was found.</param>
    public bool IsGood(string id, long foundAt) =>
        foundAt >= Interlocked.Read(ref _allForgotten) && !(_forgotten.TryGetValue(id, out var at) && foundAt < at);
}

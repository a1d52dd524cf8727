using System.Collections.Concurrent;

namespace OrleansKms.Grains.Hsm;

/// <summary>
/// Says which handles of keys are no longer to be used, to the sessions that keep them. A token may give the handle of a destroyed
/// key to the next one that is made; so what another silo has destroyed is forgotten here, as soon as this one hears of it.
/// </summary>
internal sealed class HsmHandles
{
    private const int MaxIds = 4096;

    private readonly ConcurrentDictionary<string, long> _forgotten = new(StringComparer.Ordinal);
    private long _now;
    private long _allForgotten;

    /// <summary>The moment at which a handle is looked for.</summary>
    public long Now => Interlocked.Read(ref _now);

    /// <summary>From now on the handles of a key are looked for anew.</summary>
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
    /// <param name="id">The key's CKA_ID in hexadecimal digits.</param>
    /// <param name="foundAt">When it was found.</param>
    public bool IsGood(string id, long foundAt) =>
        foundAt >= Interlocked.Read(ref _allForgotten) && !(_forgotten.TryGetValue(id, out var at) && foundAt < at);
}

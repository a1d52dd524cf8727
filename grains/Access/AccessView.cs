using System.Collections.Concurrent;

namespace OrleansKms.Grains.Access;

/// <summary>What a silo knows of the ledger when it reads rows of principals and policies, to tell an old copy of one.</summary>
/// <param name="ledger">The ledger as it was read last; null where there is none yet.</param>
/// <param name="seen">What this silo has seen of rows before.</param>
internal sealed class AccessView(AccessLedgerRow? ledger, SeenStamps seen)
{
    /// <summary>
    /// Whether a row can be believed: it is no older than the ledger says and than what this silo has seen of it before. Otherwise
    /// somebody who writes the database has put it back.
    /// </summary>
    /// <param name="name">What the ledger calls it.</param>
    /// <param name="stamp">The row's stamp.</param>
    public bool Believes(string name, long stamp) => stamp >= (ledger?.Find(name)?.LeastStamp ?? 0) && seen.Note(name, stamp);
}

/// <summary>The highest stamps of rows that this silo has seen. It is bounded: what is forgotten, the ledger may still know.</summary>
internal sealed class SeenStamps
{
    private const int Max = 20_000;

    private readonly ConcurrentDictionary<string, long> _stamps = new(StringComparer.Ordinal);

    /// <summary>Notes a row.</summary>
    /// <returns>Whether it is at least as new as all that were seen before.</returns>
    public bool Note(string name, long stamp)
    {
        if (_stamps.Count >= Max && !_stamps.ContainsKey(name)) _stamps.Clear();
        return _stamps.AddOrUpdate(name, stamp, (_, seen) => Math.Max(seen, stamp)) <= stamp;
    }
}

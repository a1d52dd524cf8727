using System.Collections.Concurrent;

namespace OrleansKms.Grains.Access;

/// <summary>Detects old copies of the rows of principals and policies, by the ledger as this silo knows it.</summary>
/// <param name="ledger">The last reading of the ledger; null if there is none yet.</param>
/// <param name="seen">The stamps this silo has seen.</param>
internal sealed class AccessView(AccessLedgerRow? ledger, SeenStamps seen)
{
    /// <summary>
    /// Whether a row can be trusted: it is no older than the ledger says, nor than a copy this silo has seen. Otherwise someone with access
    /// to the database has rolled it back.
    /// </summary>
    /// <param name="name">Its name in the ledger.</param>
    /// <param name="stamp">The row's stamp.</param>
    public bool Believes(string name, long stamp) => stamp >= (ledger?.Find(name)?.MinStamp ?? 0) && seen.Note(name, stamp);
}

/// <summary>
/// The highest stamps this silo has seen, by row. The number is bounded; the ledger may still know those that are forgotten.
/// </summary>
internal sealed class SeenStamps
{
    private const int Max = 20_000;

    private readonly ConcurrentDictionary<string, long> _stamps = new(StringComparer.Ordinal);

    /// <summary>Records a row.</summary>
    /// <returns>Whether it is at least as new as every copy seen before.</returns>
    public bool Note(string name, long stamp)
    {
        if (_stamps.Count >= Max && !_stamps.ContainsKey(name)) _stamps.Clear();
        return _stamps.AddOrUpdate(name, stamp, (_, seen) => Math.Max(seen, stamp)) <= stamp;
    }
}

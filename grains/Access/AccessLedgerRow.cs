using System.Text.Json.Serialization;
using OrleansKms.Grains.Sealing;

namespace OrleansKms.Grains.Access;

/// <summary>
/// The row <c>access.ledger</c>. Its revision covers all principals and policies. It names recent changes, so that readers know what to
/// forget, and the one in progress.
/// </summary>
public sealed record AccessLedgerRow : Row
{
    /// <summary>The maximum number of names remembered. A reader whose last poll predates the oldest forgets everything.</summary>
    internal const int MaxEntries = 256;

    /// <summary>The row's grain: one for the whole cluster.</summary>
    internal static readonly GrainId Grain = GrainId.Create("access", "ledger");

    /// <summary>What is being changed: its row may or may not have been written yet. Null for nothing.</summary>
    public string? Pending { get; init; }

    /// <summary>Recent changes, the latest last; each name once.</summary>
    public AccessLedgerEntry[] Entries { get; init; } = [];

    /// <summary>The highest revision among forgotten changes.</summary>
    public long Forgotten { get; init; }

    /// <summary>The entry of a name.</summary>
    internal AccessLedgerEntry? Find(string name) => Array.Find(Entries, entry => entry.Name == name);

    /// <summary>The row after a step of a change.</summary>
    /// <param name="revision">The revision that the row will have.</param>
    /// <param name="name">What is changed.</param>
    /// <param name="isPending">Whether its row has yet to be written.</param>
    /// <param name="minStamp">The minimum stamp its row has from now on.</param>
    internal AccessLedgerRow With(long revision, string name, bool isPending, long minStamp)
    {
        AccessLedgerEntry[] entries =
            [.. Entries.Where(entry => entry.Name != name), new(name, revision, Math.Max(minStamp, Find(name)?.MinStamp ?? 0))];
        var surplus = Math.Max(0, entries.Length - MaxEntries);
        return this with
        {
            Pending = isPending ? name : null,
            Entries = entries[surplus..],
            Forgotten = surplus == 0 ? Forgotten : entries[surplus - 1].Revision,
        };
    }
}

/// <summary>A recent change.</summary>
/// <param name="Name"><c>principal:</c> or <c>policy:</c> and its name.</param>
/// <param name="Revision">The ledger's revision when it was last touched.</param>
/// <param name="MinStamp">The minimum stamp its row has; one with a lower stamp is an old copy that was rolled back.</param>
public sealed record AccessLedgerEntry(string Name, long Revision, [property: JsonPropertyName("least_stamp")] long MinStamp);

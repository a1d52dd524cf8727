using OrleansKms.Grains.Sealing;

namespace OrleansKms.Grains.Access;

/// <summary>
/// The row <c>access.ledger</c>: its revision is that of all principals and policies together, and it names what changed lately, so
/// that who asks knows what to forget, and what is changing just now.
/// </summary>
public sealed record AccessLedgerRow : Row
{
    /// <summary>How many names are remembered; who has not asked since before the oldest of them forgets everything.</summary>
    internal const int MaxEntries = 256;

    /// <summary>Whose row it is: one for the whole cluster.</summary>
    internal static readonly GrainId Grain = GrainId.Create("access", "ledger");

    /// <summary>What is being changed: its row may be written at any moment, or may have been. Null for nothing.</summary>
    public string? Pending { get; init; }

    /// <summary>What was changed lately, the latest last; each name once.</summary>
    public AccessLedgerEntry[] Entries { get; init; } = [];

    /// <summary>The highest revision of what is not remembered any more.</summary>
    public long Forgotten { get; init; }

    /// <summary>What is remembered of a name.</summary>
    internal AccessLedgerEntry? Find(string name) => Array.Find(Entries, entry => entry.Name == name);

    /// <summary>The row after a step of a change.</summary>
    /// <param name="revision">The revision that the row will have.</param>
    /// <param name="name">What is changed.</param>
    /// <param name="isPending">Whether its row is still to be written.</param>
    /// <param name="least">The least stamp that its row has from now on.</param>
    internal AccessLedgerRow With(long revision, string name, bool isPending, long least)
    {
        AccessLedgerEntry[] entries =
            [.. Entries.Where(entry => entry.Name != name), new(name, revision, Math.Max(least, Find(name)?.LeastStamp ?? 0))];
        var surplus = Math.Max(0, entries.Length - MaxEntries);
        return this with
        {
            Pending = isPending ? name : null,
            Entries = entries[surplus..],
            Forgotten = surplus == 0 ? Forgotten : entries[surplus - 1].Revision,
        };
    }
}

/// <summary>A name that was changed.</summary>
/// <param name="Name"><c>principal:</c> or <c>policy:</c> and its name.</param>
/// <param name="Revision">The ledger's revision when it was last touched.</param>
/// <param name="LeastStamp">The least stamp that its row has; one with a lower is an old copy that somebody has put back.</param>
public sealed record AccessLedgerEntry(string Name, long Revision, long LeastStamp);

using OrleansKms.Grains.Sealing;

namespace OrleansKms.Grains.Keys.Rows;

/// <summary>
/// The part of a key's history in the row <c>key</c>: the head of the chain and the newest events. So a change and its event are one
/// commit. When the row is full, events move to a row of their own (<see cref="KeyHistoryRow"/>).
/// </summary>
public sealed record KeyHistory
{
    /// <summary>The number of the newest event; the first one is 1.</summary>
    public required long Count { get; init; }

    /// <summary>The newest event's hash (History/FORMAT.md).</summary>
    public required byte[] Head { get; init; }

    /// <summary>Whether it begins with the key's creation, and not with the first change under a version that keeps a history.</summary>
    public bool Whole { get; init; }

    /// <summary>The newest block of the chain; 0 while all events are in this row.</summary>
    public int Block { get; init; }

    /// <summary>The events that are in no block yet, oldest first, in the format of History/FORMAT.md.</summary>
    public required IReadOnlyList<byte[]> Newest { get; init; }
}

/// <summary>
/// A row <c>key.h{n}</c>: events of a key's history that were committed with the row <c>key</c> before they moved here. It never changes
/// and is never deleted: a destroyed key keeps its history.
/// </summary>
public sealed record KeyHistoryRow : Row
{
    /// <summary>The previous block of the chain; 0 for none.</summary>
    public int Before { get; init; }

    /// <summary>The events, oldest first.</summary>
    public required IReadOnlyList<byte[]> Events { get; init; }
}

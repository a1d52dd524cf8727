namespace OrleansKms;

/// <summary>A page of a key's history.</summary>
[GenerateSerializer, Immutable, Alias("okms.KeyHistoryPage")]
public sealed record KeyHistoryPage
{
    /// <summary>The events, newest first.</summary>
    [Id(0)] public required KeyHistoryEvent[] Events { get; init; }

    /// <summary>
    /// Whether every event of this page, but those that are left, is in the chain whose head stands in the key's own row: the first page
    /// is checked from that head, each next one from where the page before ended, and the last one down to the first event of all.
    /// </summary>
    [Id(1)] public required bool Verified { get; init; }

    /// <summary>The number of the first event, from the newest on, that is changed or missing; null while all are as they must be.</summary>
    [Id(2)] public long? BrokenAt { get; init; }

    /// <summary>Whether the history begins with the key's creation. One that is older begins with the first change since there are histories.</summary>
    [Id(3)] public bool IsComplete { get; init; }

    /// <summary>What to ask for the next page with; null on the last.</summary>
    [Id(4)] public string? Next { get; init; }
}

/// <summary>One change of a key.</summary>
[GenerateSerializer, Immutable, Alias("okms.KeyHistoryEvent")]
public sealed record KeyHistoryEvent
{
    /// <summary>1 for the first, and one more for each that follows.</summary>
    [Id(0)] public required long Number { get; init; }

    /// <summary>When it was made, UTC.</summary>
    [Id(1)] public required DateTimeOffset Time { get; init; }

    /// <summary>What happened, for example <c>keys:rotate</c>; <c>keys:restored</c> where the chain goes on after a restore.</summary>
    [Id(2)] public required string Action { get; init; }

    /// <summary>Who asked for it; <c>okms</c> for what a key did by itself.</summary>
    [Id(3)] public required string Principal { get; init; }

    /// <summary>Where the request came from.</summary>
    [Id(4)] public required string Source { get; init; }

    /// <summary>The request's id.</summary>
    [Id(5)] public required string RequestId { get; init; }

    /// <summary>What showed who it was; null if unknown.</summary>
    [Id(6)] public string? Credential { get; init; }

    /// <summary>The version that was made or changed; null for none, and for several.</summary>
    [Id(7)] public int? Version { get; init; }

    /// <summary>The revision of the key's row that was committed with it.</summary>
    [Id(8)] public required long Revision { get; init; }

    /// <summary>What else there is to say; null for nothing.</summary>
    [Id(9)] public string? Reason { get; init; }

    /// <summary>How often the database had been restored from a backup by then.</summary>
    [Id(10)] public int RestoreEpoch { get; init; }

    /// <summary>The event's SHA-256 (grains/Keys/History/FORMAT.md), 64 hexadecimal digits; the next event names it.</summary>
    [Id(11)] public required string Hash { get; init; }

    /// <summary>Whether it is of a chain that was left: the key's row was put back to one from before this event.</summary>
    [Id(12)] public bool IsLeft { get; init; }

    /// <summary>Never the texts, which callers choose.</summary>
    public override string ToString() => $"{nameof(KeyHistoryEvent)} {{ Number = {Number}, Revision = {Revision} }}";
}

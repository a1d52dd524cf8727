namespace OrleansKms;

/// <summary>A page of a key's history.</summary>
[GenerateSerializer, Immutable, Alias("okms.KeyHistoryPage")]
public sealed record KeyHistoryPage
{
    /// <summary>The events, newest first.</summary>
    [Id(0)] public required KeyHistoryEvent[] Events { get; init; }

    /// <summary>
    /// Whether every event of this page, except those of an abandoned chain, is in the chain whose head is in the key's own row. The first
    /// page is verified from that head, each next one from where the previous page ended, and the last one down to the first event.
    /// </summary>
    [Id(1)] public required bool Verified { get; init; }

    /// <summary>The number of the first event, counting from the newest, that is changed or missing; null for none.</summary>
    [Id(2)] public long? BrokenAt { get; init; }

    /// <summary>
    /// Whether the history begins with the key's creation. An older key's history begins with its first change since histories exist.
    /// </summary>
    [Id(3)] public bool IsComplete { get; init; }

    /// <summary>The cursor for the next page; null on the last.</summary>
    [Id(4)] public string? Next { get; init; }
}

/// <summary>One change of a key.</summary>
[GenerateSerializer, Immutable, Alias("okms.KeyHistoryEvent")]
public sealed record KeyHistoryEvent
{
    /// <summary>1 for the first event; each one after it is higher by one.</summary>
    [Id(0)] public required long Number { get; init; }

    /// <summary>When it happened, UTC.</summary>
    [Id(1)] public required DateTimeOffset Time { get; init; }

    /// <summary>What happened, for example <c>keys:rotate</c>; <c>keys:restored</c> if the chain continues after a restore.</summary>
    [Id(2)] public required string Action { get; init; }

    /// <summary>The caller; <c>okms</c> for what a key did by itself.</summary>
    [Id(3)] public required string Principal { get; init; }

    /// <summary>Where the request came from.</summary>
    [Id(4)] public required string Source { get; init; }

    /// <summary>The request's id.</summary>
    [Id(5)] public required string RequestId { get; init; }

    /// <summary>The caller's credential; null if unknown.</summary>
    [Id(6)] public string? Credential { get; init; }

    /// <summary>The version made or changed; null for none, and for several.</summary>
    [Id(7)] public int? Version { get; init; }

    /// <summary>The revision of the key's row committed with it.</summary>
    [Id(8)] public required long Revision { get; init; }

    /// <summary>Anything else; null for nothing.</summary>
    [Id(9)] public string? Reason { get; init; }

    /// <summary>How often the database had been restored from a backup by then.</summary>
    [Id(10)] public int RestoreEpoch { get; init; }

    /// <summary>The event's SHA-256 (grains/Keys/History/FORMAT.md), 64 hexadecimal digits; the next event names it.</summary>
    [Id(11)] public required string Hash { get; init; }

    /// <summary>Whether it belongs to an abandoned chain: an older copy of the key's row, from before this event, was restored.</summary>
    [Id(12)] public bool IsLeft { get; init; }

    /// <summary>Omits the texts, which callers choose.</summary>
    public override string ToString() => $"{nameof(KeyHistoryEvent)} {{ Number = {Number}, Revision = {Revision} }}";
}

namespace OrleansKms.Grains.Keys.History;

/// <summary>One change of a key, in its history.</summary>
internal sealed record HistoryEvent
{
    /// <summary>1 for the first event; each one after it is higher by one.</summary>
    public required long Number { get; init; }

    /// <summary>When it happened, UTC, to the millisecond.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>The revision of the row <c>key</c> committed with it.</summary>
    public required long Revision { get; init; }

    /// <summary>The previous event's hash; zeros in the first.</summary>
    public required byte[] Previous { get; init; }

    /// <summary>What happened, for example <c>keys:rotate</c>.</summary>
    public required string Action { get; init; }

    /// <summary>The caller.</summary>
    public required string Principal { get; init; }

    /// <summary>Where the request came from.</summary>
    public required string Source { get; init; }

    /// <summary>The request's id.</summary>
    public required string RequestId { get; init; }

    /// <summary>The caller's credential; null if unknown.</summary>
    public string? Credential { get; init; }

    /// <summary>The version made or changed; null for none.</summary>
    public int? Version { get; init; }

    /// <summary>Anything else; null for nothing.</summary>
    public string? Reason { get; init; }

    /// <summary>The restore epoch in which it happened.</summary>
    public int Epoch { get; init; }
}

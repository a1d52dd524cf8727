namespace OrleansKms.Grains.Keys.History;

/// <summary>One change of a key, as its history keeps it.</summary>
internal sealed record HistoryEvent
{
    /// <summary>1 for the first, and one more for each that follows.</summary>
    public required long Number { get; init; }

    /// <summary>When it was made, UTC, to the millisecond.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>The revision of the row <c>key</c> that was committed with it.</summary>
    public required long Revision { get; init; }

    /// <summary>The hash of the event before; zeros in the first.</summary>
    public required byte[] Previous { get; init; }

    /// <summary>What happened, for example <c>keys:rotate</c>.</summary>
    public required string Action { get; init; }

    /// <summary>Who asked for it.</summary>
    public required string Principal { get; init; }

    /// <summary>Where the request came from.</summary>
    public required string Source { get; init; }

    /// <summary>The request's id.</summary>
    public required string RequestId { get; init; }

    /// <summary>What showed who it was; null if unknown.</summary>
    public string? Credential { get; init; }

    /// <summary>The version that was made or changed; null for none.</summary>
    public int? Version { get; init; }

    /// <summary>What else there is to say; null for nothing.</summary>
    public string? Reason { get; init; }

    /// <summary>The restore epoch in which it was made.</summary>
    public int Epoch { get; init; }
}

namespace OrleansKms;

/// <summary>An operation that needs approval, and what has become of it.</summary>
[GenerateSerializer, Immutable, Alias("okms.ApprovalDescription")]
public sealed record ApprovalDescription
{
    /// <summary>Its id, which names the key.</summary>
    [Id(0)] public required string Id { get; init; }
    /// <summary>The key.</summary>
    [Id(1)] public required string KeyId { get; init; }
    /// <summary>The name by which the key's rule guards it, for example <c>destroy</c>.</summary>
    [Id(2)] public required string Guard { get; init; }
    /// <summary>What was asked for.</summary>
    [Id(3)] public required RequestedOperation Request { get; init; }
    /// <summary>What has become of it.</summary>
    [Id(4)] public required ApprovalState State { get; init; }
    /// <summary>Who asked.</summary>
    [Id(5)] public required string RequestedBy { get; init; }
    /// <summary>When, UTC.</summary>
    [Id(6)] public required DateTimeOffset RequestedAt { get; init; }
    /// <summary>Until when it waits, or waited, UTC.</summary>
    [Id(7)] public required DateTimeOffset ExpiresAt { get; init; }
    /// <summary>How many approvals it needs, or needed.</summary>
    [Id(8)] public required int Required { get; init; }
    /// <summary>The approvals that count, or counted, in their order.</summary>
    [Id(9)] public required ApprovalGiven[] Approvals { get; init; }
    /// <summary>When it was decided, UTC; null while it waits.</summary>
    [Id(10)] public DateTimeOffset? DecidedAt { get; init; }
    /// <summary>Who decided it; null while it waits, and where nobody did.</summary>
    [Id(11)] public string? DecidedBy { get; init; }
    /// <summary>Why it failed: a code of <see cref="KmsError.All"/>; else null.</summary>
    [Id(12)] public string? Error { get; init; }
    /// <summary>Why it failed or became void, in words; else null.</summary>
    [Id(13)] public string? Detail { get; init; }

    /// <summary>Never what was asked for, which may hold what is sealed where it is stored.</summary>
    public override string ToString() => $"{nameof(ApprovalDescription)} {{ Id = {Id}, State = {State} }}";
}

/// <summary>One approval.</summary>
/// <param name="Principal">Who gave it.</param>
/// <param name="At">When, UTC.</param>
[GenerateSerializer, Immutable, Alias("okms.ApprovalGiven")]
public sealed record ApprovalGiven([property: Id(0)] string Principal, [property: Id(1)] DateTimeOffset At);

/// <summary>An operation with its arguments, as it is kept until it is carried out.</summary>
/// <param name="Operation">The name of a row of <see cref="KmsOperation"/>.</param>
[GenerateSerializer, Immutable, Alias("okms.RequestedOperation")]
public sealed record RequestedOperation([property: Id(0)] string Operation)
{
    /// <summary>The version of the key; null where it concerns none.</summary>
    [Id(1)] public int? Version { get; init; }
    /// <summary>How long what is destroyed waits, from when it is carried out; null where nothing is, or by default.</summary>
    [Id(2)] public TimeSpan? After { get; init; }
    /// <summary>What is changed of the key; null where it is something else. Its caller means nothing.</summary>
    [Id(3)] public UpdateKey? Update { get; init; }
    /// <summary>The key's new policy, as <see cref="PolicyText"/> writes it; null where it is something else.</summary>
    [Id(4)] public byte[]? Policy { get; init; }

    /// <summary>The operation, without its arguments.</summary>
    public override string ToString() => $"{nameof(RequestedOperation)} {{ Operation = {Operation} }}";
}

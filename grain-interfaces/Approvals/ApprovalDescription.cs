namespace OrleansKms;

/// <summary>An operation that needs approval, and its state.</summary>
[GenerateSerializer, Immutable, Alias("okms.ApprovalDescription")]
public sealed record ApprovalDescription
{
    /// <summary>Its id, which contains the key's id.</summary>
    [Id(0)] public required string Id { get; init; }
    /// <summary>The key.</summary>
    [Id(1)] public required string KeyId { get; init; }
    /// <summary>The name under which the key's rule guards it, for example <c>destroy</c>.</summary>
    [Id(2)] public required string Guard { get; init; }
    /// <summary>The requested operation.</summary>
    [Id(3)] public required RequestedOperation Request { get; init; }
    /// <summary>Its state.</summary>
    [Id(4)] public required ApprovalState State { get; init; }
    /// <summary>The requester.</summary>
    [Id(5)] public required string RequestedBy { get; init; }
    /// <summary>When it was requested, UTC.</summary>
    [Id(6)] public required DateTimeOffset RequestedAt { get; init; }
    /// <summary>When it expires, or would have expired, UTC.</summary>
    [Id(7)] public required DateTimeOffset ExpiresAt { get; init; }
    /// <summary>How many approvals it needs, or needed.</summary>
    [Id(8)] public required int Required { get; init; }
    /// <summary>The approvals that count, or counted, in order.</summary>
    [Id(9)] public required ApprovalGiven[] Approvals { get; init; }
    /// <summary>When it was decided, UTC; null while it is pending.</summary>
    [Id(10)] public DateTimeOffset? DecidedAt { get; init; }
    /// <summary>Who decided it; null while it is pending, and if nobody did.</summary>
    [Id(11)] public string? DecidedBy { get; init; }
    /// <summary>The error if it failed: a code of <see cref="KmsError.All"/>; otherwise null.</summary>
    [Id(12)] public string? Error { get; init; }
    /// <summary>Why it failed or became void, as text; otherwise null.</summary>
    [Id(13)] public string? Detail { get; init; }

    /// <summary>Omits the requested operation, which may contain values that are sealed in storage.</summary>
    public override string ToString() => $"{nameof(ApprovalDescription)} {{ Id = {Id}, State = {State} }}";
}

/// <summary>One approval.</summary>
/// <param name="Principal">The approver.</param>
/// <param name="At">When, UTC.</param>
[GenerateSerializer, Immutable, Alias("okms.ApprovalGiven")]
public sealed record ApprovalGiven([property: Id(0)] string Principal, [property: Id(1)] DateTimeOffset At);

/// <summary>An operation and its arguments, as stored until it is carried out.</summary>
/// <param name="Operation">The name of a row of <see cref="KmsOperation"/>.</param>
[GenerateSerializer, Immutable, Alias("okms.RequestedOperation")]
public sealed record RequestedOperation([property: Id(0)] string Operation)
{
    /// <summary>The key version; null if it concerns none.</summary>
    [Id(1)] public int? Version { get; init; }
    /// <summary>
    /// How long a deletion or destruction waits, starting when it is carried out; null for the default, or if nothing is destroyed.
    /// </summary>
    [Id(2)] public TimeSpan? After { get; init; }
    /// <summary>The update; null for other operations. Its caller is ignored.</summary>
    [Id(3)] public UpdateKey? Update { get; init; }
    /// <summary>The key's new policy, in the format of <see cref="PolicyText"/>; null for other operations.</summary>
    [Id(4)] public byte[]? Policy { get; init; }
    /// <summary>The SHA-256 of the public key that an export is wrapped with (SubjectPublicKeyInfo, DER); null for other operations.</summary>
    [Id(5)] public byte[]? WrappingKeyHash { get; init; }

    /// <summary>The operation, without its arguments.</summary>
    public override string ToString() => $"{nameof(RequestedOperation)} {{ Operation = {Operation} }}";
}

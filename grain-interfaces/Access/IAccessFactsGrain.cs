namespace OrleansKms;

/// <summary>
/// What gateways cache of principals, so that a request costs no call, and which entries are stale. A stateless worker, like
/// <see cref="IAccessGrain"/>.
/// </summary>
/// <remarks>An interface of its own, like <see cref="IKeyRowsGrain"/>, since older silos lack it.</remarks>
[Alias("okms.IAccessFactsGrain"), Orleans.CodeGeneration.Version(1)]
public interface IAccessFactsGrain : IGrainWithIntegerKey
{
    /// <summary>The principal that a credential belongs to. Error: storage_unavailable.</summary>
    [Alias("Find"), Operation("service:find-principal"), Orleans.Concurrency.AlwaysInterleave] ValueTask<FoundPrincipal> Find(FindPrincipal query);

    /// <summary>What has changed since. Error: storage_unavailable.</summary>
    [Alias("Changes"), Operation("service:access-changes"), Orleans.Concurrency.AlwaysInterleave] ValueTask<AccessChanges> Changes(AccessChangesQuery query);
}

/// <summary>Requests the principal of a credential.</summary>
/// <param name="Caller">The caller.</param>
/// <param name="Credential"><c>token:</c> and its id, <c>certificate:</c> and a subject alternative name, or <c>jwt:</c>, issuer, a line feed and subject.</param>
[GenerateSerializer, Immutable, Alias("okms.FindPrincipal")]
public sealed record FindPrincipal([property: Id(0)] Caller Caller, [property: Id(1)] string Credential) : ICallerRequest;

/// <summary>The answer.</summary>
/// <param name="Principal">Null if no principal has the credential.</param>
[GenerateSerializer, Immutable, Alias("okms.FoundPrincipal")]
public sealed record FoundPrincipal([property: Id(0)] PrincipalFacts? Principal);

/// <summary>A principal, as a gateway caches it for one of its credentials.</summary>
[GenerateSerializer, Immutable, Alias("okms.PrincipalFacts")]
public sealed record PrincipalFacts
{
    /// <summary>The name.</summary>
    [Id(0)] public required string Name { get; init; }
    /// <summary>Whether it may sign in.</summary>
    [Id(1)] public required bool IsEnabled { get; init; }
    /// <summary>The policies, in full, in the principal's order.</summary>
    [Id(2)] public required Policy[] Policies { get; init; }
    /// <summary>The limits.</summary>
    [Id(3)] public required LimitRule[] Limits { get; init; }
    /// <summary>SHA-256 of the token's text, if the credential is a token.</summary>
    [Id(4)] public byte[]? TokenSha256 { get; init; }
    /// <summary>When the token expires, UTC, if the credential is one.</summary>
    [Id(5)] public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Omits the hash.</summary>
    public override string ToString() => $"{nameof(PrincipalFacts)} {{ Name = {Name} }}";
}

/// <summary>Requests the changes since an earlier answer.</summary>
/// <param name="Caller">The caller.</param>
/// <param name="Since">The order of the last answer; 0 for none.</param>
/// <param name="ReadsAnew">
/// Whether the silo must read now, since the caller has just made a change; otherwise a reading from a moment ago will do.
/// </param>
[GenerateSerializer, Immutable, Alias("okms.AccessChangesQuery")]
public sealed record AccessChangesQuery(
    [property: Id(0)] Caller Caller, [property: Id(1)] long Since, [property: Id(2)] bool ReadsAnew = false) : ICallerRequest;

/// <summary>What has changed or is changing.</summary>
/// <param name="Order">Rises with each change; a caller that has seen one trusts no lower one.</param>
/// <param name="Everything">Whether everything must be forgotten, since too much has changed.</param>
/// <param name="Names">What must be forgotten: <c>principal:</c> or <c>policy:</c> and its name.</param>
/// <param name="Age">The age of this information.</param>
/// <param name="HoldsFor">The age up to which it stays valid while no newer answer arrives.</param>
[GenerateSerializer, Immutable, Alias("okms.AccessChanges")]
public sealed record AccessChanges(
    [property: Id(0)] long Order,
    [property: Id(1)] bool Everything,
    [property: Id(2)] string[] Names,
    [property: Id(3)] TimeSpan Age,
    [property: Id(4)] TimeSpan HoldsFor);

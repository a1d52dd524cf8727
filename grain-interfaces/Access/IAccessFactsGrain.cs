namespace OrleansKms;

/// <summary>
/// What gateways keep of principals, so that a request costs no call, and what they must forget. A stateless worker, as
/// <see cref="IAccessGrain"/> is.
/// </summary>
/// <remarks>An interface of its own, as <see cref="IKeyRowsGrain"/> is, since older silos lack it.</remarks>
[Alias("okms.IAccessFactsGrain"), Orleans.CodeGeneration.Version(1)]
public interface IAccessFactsGrain : IGrainWithIntegerKey
{
    /// <summary>The principal that a credential belongs to. Error: storage_unavailable.</summary>
    [Alias("Find"), Operation("service:find-principal"), Orleans.Concurrency.AlwaysInterleave] ValueTask<FoundPrincipal> Find(FindPrincipal query);

    /// <summary>What has changed since. Error: storage_unavailable.</summary>
    [Alias("Changes"), Operation("service:access-changes"), Orleans.Concurrency.AlwaysInterleave] ValueTask<AccessChanges> Changes(AccessChangesQuery query);
}

/// <summary>Asks for the principal of a credential.</summary>
/// <param name="Caller">Who asks.</param>
/// <param name="Credential"><c>token:</c> and its id, <c>certificate:</c> and a subject alternative name, or <c>jwt:</c>, issuer, a line feed and subject.</param>
[GenerateSerializer, Immutable, Alias("okms.FindPrincipal")]
public sealed record FindPrincipal([property: Id(0)] Caller Caller, [property: Id(1)] string Credential) : ICallerRequest;

/// <summary>The answer.</summary>
/// <param name="Principal">Null where nobody has the credential.</param>
[GenerateSerializer, Immutable, Alias("okms.FoundPrincipal")]
public sealed record FoundPrincipal([property: Id(0)] PrincipalFacts? Principal);

/// <summary>What a gateway knows of a principal that signs in by one credential.</summary>
[GenerateSerializer, Immutable, Alias("okms.PrincipalFacts")]
public sealed record PrincipalFacts
{
    /// <summary>The name.</summary>
    [Id(0)] public required string Name { get; init; }
    /// <summary>Whether it may sign in.</summary>
    [Id(1)] public required bool IsEnabled { get; init; }
    /// <summary>The policies, whole, in the order in which the principal names them.</summary>
    [Id(2)] public required Policy[] Policies { get; init; }
    /// <summary>The limits.</summary>
    [Id(3)] public required LimitRule[] Limits { get; init; }
    /// <summary>SHA-256 of the token's text, where the credential is a token.</summary>
    [Id(4)] public byte[]? TokenSha256 { get; init; }
    /// <summary>When the token ends, UTC, where the credential is one.</summary>
    [Id(5)] public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Never the hash.</summary>
    public override string ToString() => $"{nameof(PrincipalFacts)} {{ Name = {Name} }}";
}

/// <summary>Asks what has changed.</summary>
/// <param name="Caller">Who asks.</param>
/// <param name="Since">The order up to which the asker knows; 0 for nothing.</param>
/// <param name="ReadsAnew">Whether the silo must look now, since the asker has just made a change; else it may have looked a moment ago.</param>
[GenerateSerializer, Immutable, Alias("okms.AccessChangesQuery")]
public sealed record AccessChangesQuery(
    [property: Id(0)] Caller Caller, [property: Id(1)] long Since, [property: Id(2)] bool ReadsAnew = false) : ICallerRequest;

/// <summary>What has changed, and is changing just now.</summary>
/// <param name="Order">Rises with each change; who has seen one believes no lower one.</param>
/// <param name="Everything">Whether so much has changed that all must be forgotten.</param>
/// <param name="Names">What must be forgotten: <c>principal:</c> or <c>policy:</c> and its name.</param>
/// <param name="Age">How long ago that was so.</param>
/// <param name="HoldsFor">How old it may become while no newer answer is to be had.</param>
[GenerateSerializer, Immutable, Alias("okms.AccessChanges")]
public sealed record AccessChanges(
    [property: Id(0)] long Order,
    [property: Id(1)] bool Everything,
    [property: Id(2)] string[] Names,
    [property: Id(3)] TimeSpan Age,
    [property: Id(4)] TimeSpan HoldsFor);

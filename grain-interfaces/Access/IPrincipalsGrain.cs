using Orleans.Concurrency;

namespace OrleansKms;

/// <summary>
/// Principals and their tokens. One activation, with the key <see cref="Key"/>, so that changes run one after another. Each method may fail
/// with <c>storage_unavailable</c>; those that change something fail with <c>permission_denied</c> unless the request proves that the
/// caller may do it.
/// </summary>
[Alias("okms.IPrincipalsGrain"), Orleans.CodeGeneration.Version(1)]
public interface IPrincipalsGrain : IGrainWithIntegerKey
{
    /// <summary>The grain key of the one activation.</summary>
    const long Key = 0;

    /// <summary>
    /// Creates a principal. Errors: principal_exists; policy_not_found; conflict: another principal has the credential; invalid_parameter.
    /// </summary>
    [Alias("Create"), Operation("principals:create")] Task<PrincipalDescription> Create(CreatePrincipal request);

    /// <summary>Describes a principal. Error: principal_not_found.</summary>
    [Alias("Describe"), Operation("principals:describe"), AlwaysInterleave] Task<PrincipalDescription> Describe(PrincipalCommand request);

    /// <summary>One page of principals, in the byte order of their names.</summary>
    [Alias("List"), Operation("principals:list"), AlwaysInterleave] Task<PrincipalPage> List(ListPrincipals request);

    /// <summary>
    /// Changes a principal. Errors: principal_not_found; policy_not_found; conflict: another principal has the credential;
    /// invalid_parameter.
    /// </summary>
    [Alias("Update"), Operation("principals:update")] Task<PrincipalDescription> Update(UpdatePrincipal request);

    /// <summary>Allows a principal to sign in again. Error: principal_not_found.</summary>
    [Alias("Enable"), Operation("principals:enable")] Task<PrincipalDescription> Enable(PrincipalCommand request);

    /// <summary>Prevents a principal from signing in. Error: principal_not_found.</summary>
    [Alias("Disable"), Operation("principals:disable")] Task<PrincipalDescription> Disable(PrincipalCommand request);

    /// <summary>Removes a principal and its tokens. The name may be reused. Error: principal_not_found.</summary>
    [Alias("Delete"), Operation("principals:delete")] Task Delete(PrincipalCommand request);

    /// <summary>Creates a token. Errors: principal_not_found; conflict: there are too many; invalid_parameter.</summary>
    [Alias("CreateToken"), Operation("principals:create-token")] Task<CreatedToken> CreateToken(CreateToken request);

    /// <summary>All tokens of a principal, oldest first. Error: principal_not_found.</summary>
    [Alias("ListTokens"), Operation("principals:list-tokens"), AlwaysInterleave] Task<TokenDescription[]> ListTokens(PrincipalCommand request);

    /// <summary>Revokes a token. Errors: principal_not_found, not_found.</summary>
    [Alias("RevokeToken"), Operation("principals:revoke-token")] Task RevokeToken(RevokeToken request);

    /// <summary>
    /// What has changed since, like <see cref="IAccessFactsGrain.Changes"/>, from the silo that makes the changes, which has the database: for
    /// a gateway whose silo has not. Error: storage_unavailable.
    /// </summary>
    [Alias("Changes"), Operation("service:access-changes"), AlwaysInterleave] ValueTask<AccessChanges> Changes(AccessChangesQuery query);
}

/// <summary>When one principal's tokens were last used. The grain key is the principal's name.</summary>
[Alias("okms.ITokenUsesGrain"), Orleans.CodeGeneration.Version(1)]
public interface ITokenUsesGrain : IGrainWithStringKey
{
    /// <summary>Records a use of a token. A token the principal does not have is ignored.</summary>
    [Alias("Note"), Operation("service:note-token-use")] Task Note(NoteTokenUse request);
}

/// <summary>A command that needs only the principal itself.</summary>
/// <param name="Caller">The caller.</param>
/// <param name="Name">The principal.</param>
/// <param name="Proof">Proves that the caller may do it; reading needs none.</param>
[GenerateSerializer, Immutable, Alias("okms.PrincipalCommand")]
public sealed record PrincipalCommand(
    [property: Id(0)] Caller Caller, [property: Id(1)] string Name, [property: Id(2)] AdministratorProof? Proof = null) : ICallerRequest;

/// <summary>Creates a principal.</summary>
[GenerateSerializer, Immutable, Alias("okms.CreatePrincipal")]
public sealed record CreatePrincipal : ICallerRequest
{
    /// <summary>The caller.</summary>
    [Id(0)] public required Caller Caller { get; init; }
    /// <summary>Proves that the caller may do it.</summary>
    [Id(1)] public AdministratorProof? Proof { get; init; }
    /// <summary>1 to <see cref="KmsLimits.PrincipalLength"/> of <c>A-Z a-z 0-9 . _ - @</c>.</summary>
    [Id(2)] public required string Name { get; init; }
    /// <summary>Free text of at most <see cref="KmsLimits.DescriptionLength"/> characters; null for none.</summary>
    [Id(3)] public string? Description { get; init; }
    /// <summary>Names of policies, up to <see cref="KmsLimits.PoliciesOfPrincipal"/>.</summary>
    [Id(4)] public string[] Policies { get; init; } = [];
    /// <summary>
    /// Up to <see cref="KmsLimits.LimitRules"/> limits: each a count, an ISO 8601 duration and what counts, separated by spaces.
    /// </summary>
    [Id(5)] public string[] Limits { get; init; } = [];
    /// <summary>Subject alternative names of certificates: URIs or DNS names, up to <see cref="KmsLimits.PrincipalIdentities"/>.</summary>
    [Id(6)] public string[] Certificates { get; init; } = [];
    /// <summary>Identities of JWTs that sign in as the principal; up to <see cref="KmsLimits.PrincipalIdentities"/>.</summary>
    [Id(7)] public JwtIdentity[] Jwt { get; init; } = [];

    /// <summary>Omits the description.</summary>
    public override string ToString() => $"{nameof(CreatePrincipal)} {{ Caller = {Caller}, Name = {Name} }}";
}

/// <summary>Changes a principal; null leaves a field as it is, except for the description.</summary>
[GenerateSerializer, Immutable, Alias("okms.UpdatePrincipal")]
public sealed record UpdatePrincipal : ICallerRequest
{
    /// <summary>The caller.</summary>
    [Id(0)] public required Caller Caller { get; init; }
    /// <summary>Proves that the caller may do it.</summary>
    [Id(1)] public AdministratorProof? Proof { get; init; }
    /// <summary>The principal.</summary>
    [Id(2)] public required string Name { get; init; }
    /// <summary>The new description; null clears it.</summary>
    [Id(3)] public Change<string> Description { get; init; }
    /// <summary>The new policies.</summary>
    [Id(4)] public string[]? Policies { get; init; }
    /// <summary>The new limits, as in <see cref="CreatePrincipal.Limits"/>.</summary>
    [Id(5)] public string[]? Limits { get; init; }
    /// <summary>The new certificates.</summary>
    [Id(6)] public string[]? Certificates { get; init; }
    /// <summary>The new JWT identities.</summary>
    [Id(7)] public JwtIdentity[]? Jwt { get; init; }
}

/// <summary>Requests a page of principals.</summary>
/// <param name="Caller">The caller.</param>
/// <param name="Prefix">Only names that begin with it; empty for all.</param>
/// <param name="After">Only names after this one; null to start at the beginning.</param>
/// <param name="Limit">1 to <see cref="KmsLimits.PageItems"/>.</param>
[GenerateSerializer, Immutable, Alias("okms.ListPrincipals")]
public sealed record ListPrincipals(
    [property: Id(0)] Caller Caller, [property: Id(1)] string Prefix, [property: Id(2)] string? After, [property: Id(3)] int Limit) : ICallerRequest;

/// <summary>Creates a token.</summary>
/// <param name="Caller">The caller.</param>
/// <param name="Name">The principal.</param>
/// <param name="ExpiresIn">Its lifetime, up to <see cref="KmsLimits.MaxTokenLife"/>.</param>
/// <param name="Description">Free text of at most <see cref="KmsLimits.DescriptionLength"/> characters; null for none.</param>
/// <param name="Proof">Proves that the caller may do it.</param>
[GenerateSerializer, Immutable, Alias("okms.CreateToken")]
public sealed record CreateToken(
    [property: Id(0)] Caller Caller, [property: Id(1)] string Name, [property: Id(2)] TimeSpan ExpiresIn,
    [property: Id(3)] string? Description = null, [property: Id(4)] AdministratorProof? Proof = null) : ICallerRequest
{
    /// <summary>Omits the description.</summary>
    public override string ToString() => $"{nameof(CreateToken)} {{ Caller = {Caller}, Name = {Name} }}";
}

/// <summary>Revokes a token.</summary>
/// <param name="Caller">The caller.</param>
/// <param name="Name">The principal.</param>
/// <param name="TokenId">The token's id.</param>
/// <param name="Proof">Proves that the caller may do it.</param>
[GenerateSerializer, Immutable, Alias("okms.RevokeToken")]
public sealed record RevokeToken(
    [property: Id(0)] Caller Caller, [property: Id(1)] string Name, [property: Id(2)] string TokenId,
    [property: Id(3)] AdministratorProof? Proof = null) : ICallerRequest;

/// <summary>Reports that a token was used.</summary>
/// <param name="Caller">The caller.</param>
/// <param name="TokenId">The token's id.</param>
/// <param name="UsedAt">When, UTC, to the minute.</param>
[GenerateSerializer, Immutable, Alias("okms.NoteTokenUse")]
public sealed record NoteTokenUse(
    [property: Id(0)] Caller Caller, [property: Id(1)] string TokenId, [property: Id(2)] DateTimeOffset UsedAt) : ICallerRequest;

using Orleans.Concurrency;

namespace OrleansKms;

/// <summary>
/// Principals and their tokens. One activation, called by the key <see cref="Key"/>, so that changes come one after another. Each
/// method may answer <c>storage_unavailable</c>; each that changes something <c>permission_denied</c> unless the request proves that
/// whoever asks may do it.
/// </summary>
[Alias("okms.IPrincipalsGrain"), Orleans.CodeGeneration.Version(1)]
public interface IPrincipalsGrain : IGrainWithIntegerKey
{
    /// <summary>The key of the one activation.</summary>
    const long Key = 0;

    /// <summary>Makes a principal. Errors: principal_exists; policy_not_found; conflict: a credential is another's; invalid_parameter.</summary>
    [Alias("Create"), Operation("principals:create")] Task<PrincipalDescription> Create(CreatePrincipal request);

    /// <summary>Describes a principal. Error: principal_not_found.</summary>
    [Alias("Describe"), Operation("principals:describe"), AlwaysInterleave] Task<PrincipalDescription> Describe(PrincipalCommand request);

    /// <summary>One page of principals, in the order of the bytes of their names.</summary>
    [Alias("List"), Operation("principals:list"), AlwaysInterleave] Task<PrincipalPage> List(ListPrincipals request);

    /// <summary>Changes a principal. Errors: principal_not_found; policy_not_found; conflict: a credential is another's; invalid_parameter.</summary>
    [Alias("Update"), Operation("principals:update")] Task<PrincipalDescription> Update(UpdatePrincipal request);

    /// <summary>Lets a principal sign in again. Error: principal_not_found.</summary>
    [Alias("Enable"), Operation("principals:enable")] Task<PrincipalDescription> Enable(PrincipalCommand request);

    /// <summary>Lets a principal sign in no more. Error: principal_not_found.</summary>
    [Alias("Disable"), Operation("principals:disable")] Task<PrincipalDescription> Disable(PrincipalCommand request);

    /// <summary>Removes a principal with its tokens. The name may be used again. Error: principal_not_found.</summary>
    [Alias("Delete"), Operation("principals:delete")] Task Delete(PrincipalCommand request);

    /// <summary>Makes a token. Errors: principal_not_found; conflict: there are too many; invalid_parameter.</summary>
    [Alias("CreateToken"), Operation("principals:create-token")] Task<CreatedToken> CreateToken(CreateToken request);

    /// <summary>All tokens of a principal, the oldest first. Error: principal_not_found.</summary>
    [Alias("ListTokens"), Operation("principals:list-tokens"), AlwaysInterleave] Task<TokenDescription[]> ListTokens(PrincipalCommand request);

    /// <summary>Ends a token. Errors: principal_not_found, not_found.</summary>
    [Alias("RevokeToken"), Operation("principals:revoke-token")] Task RevokeToken(RevokeToken request);
}

/// <summary>When tokens of one principal were used last. The grain's key is the principal's name.</summary>
[Alias("okms.ITokenUsesGrain"), Orleans.CodeGeneration.Version(1)]
public interface ITokenUsesGrain : IGrainWithStringKey
{
    /// <summary>Notes that a token was used. What is not a token of the principal is passed over.</summary>
    [Alias("Note"), Operation("service:note-token-use")] Task Note(NoteTokenUse request);
}

/// <summary>A command about one principal without further fields.</summary>
/// <param name="Caller">Who asks.</param>
/// <param name="Name">The principal.</param>
/// <param name="Proof">Shows that whoever asks may do it; what only reads needs none.</param>
[GenerateSerializer, Immutable, Alias("okms.PrincipalCommand")]
public sealed record PrincipalCommand(
    [property: Id(0)] Caller Caller, [property: Id(1)] string Name, [property: Id(2)] AdministratorProof? Proof = null) : ICallerRequest;

/// <summary>Makes a principal.</summary>
[GenerateSerializer, Immutable, Alias("okms.CreatePrincipal")]
public sealed record CreatePrincipal : ICallerRequest
{
    /// <summary>Who asks.</summary>
    [Id(0)] public required Caller Caller { get; init; }
    /// <summary>Shows that whoever asks may do it.</summary>
    [Id(1)] public AdministratorProof? Proof { get; init; }
    /// <summary>1 to 128 of <c>A-Z a-z 0-9 . _ - @</c>.</summary>
    [Id(2)] public required string Name { get; init; }
    /// <summary>A text for people, of at most <see cref="KmsLimits.DescriptionLength"/> characters; null for none.</summary>
    [Id(3)] public string? Description { get; init; }
    /// <summary>Names of policies, up to 32.</summary>
    [Id(4)] public string[] Policies { get; init; } = [];
    /// <summary>Limits, up to 8: each a count, an ISO 8601 duration and what counts, with spaces between them.</summary>
    [Id(5)] public string[] Limits { get; init; } = [];
    /// <summary>Subject alternative names of certificates: URIs or DNS names, up to 16.</summary>
    [Id(6)] public string[] Certificates { get; init; } = [];
    /// <summary>Whose JWTs sign in as the principal; up to 16.</summary>
    [Id(7)] public JwtIdentity[] Jwt { get; init; } = [];

    /// <summary>Not the description.</summary>
    public override string ToString() => $"{nameof(CreatePrincipal)} {{ Caller = {Caller}, Name = {Name} }}";
}

/// <summary>Changes a principal; what is null stays, but for the description.</summary>
[GenerateSerializer, Immutable, Alias("okms.UpdatePrincipal")]
public sealed record UpdatePrincipal : ICallerRequest
{
    /// <summary>Who asks.</summary>
    [Id(0)] public required Caller Caller { get; init; }
    /// <summary>Shows that whoever asks may do it.</summary>
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
    /// <summary>The new identities by JWT.</summary>
    [Id(7)] public JwtIdentity[]? Jwt { get; init; }
}

/// <summary>Asks for a page of principals.</summary>
/// <param name="Caller">Who asks.</param>
/// <param name="Prefix">Only names that begin so; empty for all.</param>
/// <param name="After">Only names after this one; null to begin at the start.</param>
/// <param name="Limit">1 to 1,000.</param>
[GenerateSerializer, Immutable, Alias("okms.ListPrincipals")]
public sealed record ListPrincipals(
    [property: Id(0)] Caller Caller, [property: Id(1)] string Prefix, [property: Id(2)] string? After, [property: Id(3)] int Limit) : ICallerRequest;

/// <summary>Makes a token.</summary>
/// <param name="Caller">Who asks.</param>
/// <param name="Name">The principal.</param>
/// <param name="ExpiresIn">How long it lives, up to <see cref="KmsLimits.MaxTokenLife"/>.</param>
/// <param name="Description">A text for people, of at most <see cref="KmsLimits.DescriptionLength"/> characters; null for none.</param>
/// <param name="Proof">Shows that whoever asks may do it.</param>
[GenerateSerializer, Immutable, Alias("okms.CreateToken")]
public sealed record CreateToken(
    [property: Id(0)] Caller Caller, [property: Id(1)] string Name, [property: Id(2)] TimeSpan ExpiresIn,
    [property: Id(3)] string? Description = null, [property: Id(4)] AdministratorProof? Proof = null) : ICallerRequest
{
    /// <summary>Not the description.</summary>
    public override string ToString() => $"{nameof(CreateToken)} {{ Caller = {Caller}, Name = {Name} }}";
}

/// <summary>Ends a token.</summary>
/// <param name="Caller">Who asks.</param>
/// <param name="Name">The principal.</param>
/// <param name="TokenId">The token's id.</param>
/// <param name="Proof">Shows that whoever asks may do it.</param>
[GenerateSerializer, Immutable, Alias("okms.RevokeToken")]
public sealed record RevokeToken(
    [property: Id(0)] Caller Caller, [property: Id(1)] string Name, [property: Id(2)] string TokenId,
    [property: Id(3)] AdministratorProof? Proof = null) : ICallerRequest;

/// <summary>Tells that a token was used.</summary>
/// <param name="Caller">Who asks.</param>
/// <param name="TokenId">The token's id.</param>
/// <param name="UsedAt">When, UTC, to the minute.</param>
[GenerateSerializer, Immutable, Alias("okms.NoteTokenUse")]
public sealed record NoteTokenUse(
    [property: Id(0)] Caller Caller, [property: Id(1)] string TokenId, [property: Id(2)] DateTimeOffset UsedAt) : ICallerRequest;

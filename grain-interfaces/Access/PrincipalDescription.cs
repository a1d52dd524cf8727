namespace OrleansKms;

/// <summary>A principal: an identity that can sign in.</summary>
[GenerateSerializer, Immutable, Alias("okms.PrincipalDescription")]
public sealed record PrincipalDescription
{
    /// <summary>The name.</summary>
    [Id(0)] public required string Name { get; init; }
    /// <summary>Free text, or null.</summary>
    [Id(1)] public string? Description { get; init; }
    /// <summary>Whether it may sign in.</summary>
    [Id(2)] public required bool IsEnabled { get; init; }
    /// <summary>The names of its policies.</summary>
    [Id(3)] public required string[] Policies { get; init; }
    /// <summary>Its limits.</summary>
    [Id(4)] public required LimitRule[] Limits { get; init; }
    /// <summary>Subject alternative names of the certificates it signs in with.</summary>
    [Id(5)] public required string[] Certificates { get; init; }
    /// <summary>Identities of the JWTs it signs in with.</summary>
    [Id(6)] public required JwtIdentity[] Jwt { get; init; }
    /// <summary>When it was created, UTC.</summary>
    [Id(7)] public required DateTimeOffset CreatedAt { get; init; }
    /// <summary>When it was last changed, UTC.</summary>
    [Id(8)] public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>Omits the description.</summary>
    public override string ToString() => $"{nameof(PrincipalDescription)} {{ Name = {Name} }}";
}

/// <summary>The identity in a JWT.</summary>
/// <param name="Issuer">The claim <c>iss</c>; one of the issuers that gateways are set to trust.</param>
/// <param name="Subject">The claim <c>sub</c>.</param>
[GenerateSerializer, Immutable, Alias("okms.JwtIdentity")]
public sealed record JwtIdentity([property: Id(0)] string Issuer, [property: Id(1)] string Subject);

/// <summary>One page of principals.</summary>
/// <param name="Principals">The principals, in the byte order of their names.</param>
/// <param name="HasMore">Whether there is another page.</param>
[GenerateSerializer, Immutable, Alias("okms.PrincipalPage")]
public sealed record PrincipalPage([property: Id(0)] PrincipalDescription[] Principals, [property: Id(1)] bool HasMore);

/// <summary>A token, without its secret.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Description">Free text, or null.</param>
/// <param name="CreatedAt">When it was created, UTC.</param>
/// <param name="ExpiresAt">When it expires, UTC.</param>
/// <param name="LastUsedAt">When it was last used, UTC, to the minute; null if never, or not recorded yet.</param>
[GenerateSerializer, Immutable, Alias("okms.TokenDescription")]
public sealed record TokenDescription(
    [property: Id(0)] string Id, [property: Id(1)] string? Description, [property: Id(2)] DateTimeOffset CreatedAt,
    [property: Id(3)] DateTimeOffset ExpiresAt, [property: Id(4)] DateTimeOffset? LastUsedAt)
{
    /// <summary>Omits the description.</summary>
    public override string ToString() => $"{nameof(TokenDescription)} {{ Id = {Id} }}";
}

/// <summary>A new token.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Token">Its text, which cannot be retrieved again.</param>
/// <param name="ExpiresAt">When it expires, UTC.</param>
[GenerateSerializer, Immutable, Alias("okms.CreatedToken")]
public sealed record CreatedToken([property: Id(0)] string Id, [property: Id(1)] string Token, [property: Id(2)] DateTimeOffset ExpiresAt)
{
    /// <summary>Omits the token.</summary>
    public override string ToString() => $"{nameof(CreatedToken)} {{ Id = {Id} }}";
}

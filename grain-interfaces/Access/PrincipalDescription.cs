namespace OrleansKms;

/// <summary>Somebody who may sign in.</summary>
[GenerateSerializer, Immutable, Alias("okms.PrincipalDescription")]
public sealed record PrincipalDescription
{
    /// <summary>The name.</summary>
    [Id(0)] public required string Name { get; init; }
    /// <summary>A text for people, or null.</summary>
    [Id(1)] public string? Description { get; init; }
    /// <summary>Whether it may sign in.</summary>
    [Id(2)] public required bool IsEnabled { get; init; }
    /// <summary>The names of its policies.</summary>
    [Id(3)] public required string[] Policies { get; init; }
    /// <summary>Its limits.</summary>
    [Id(4)] public required LimitRule[] Limits { get; init; }
    /// <summary>Subject alternative names of certificates by which it signs in.</summary>
    [Id(5)] public required string[] Certificates { get; init; }
    /// <summary>Whose JWTs sign in as it.</summary>
    [Id(6)] public required JwtIdentity[] Jwt { get; init; }
    /// <summary>When it was made, UTC.</summary>
    [Id(7)] public required DateTimeOffset CreatedAt { get; init; }
    /// <summary>When it was last changed, UTC.</summary>
    [Id(8)] public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>Not the description.</summary>
    public override string ToString() => $"{nameof(PrincipalDescription)} {{ Name = {Name} }}";
}

/// <summary>Whose JWTs sign in as a principal.</summary>
/// <param name="Issuer">The claim <c>iss</c>; one of the issuers that the gateways are set to trust.</param>
/// <param name="Subject">The claim <c>sub</c>.</param>
[GenerateSerializer, Immutable, Alias("okms.JwtIdentity")]
public sealed record JwtIdentity([property: Id(0)] string Issuer, [property: Id(1)] string Subject);

/// <summary>One page of principals.</summary>
/// <param name="Principals">Them, in the order of the bytes of their names.</param>
/// <param name="HasMore">Whether a further page would have something.</param>
[GenerateSerializer, Immutable, Alias("okms.PrincipalPage")]
public sealed record PrincipalPage([property: Id(0)] PrincipalDescription[] Principals, [property: Id(1)] bool HasMore);

/// <summary>A token as it can be shown at any time: without its secret.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Description">A text for people, or null.</param>
/// <param name="CreatedAt">When it was made, UTC.</param>
/// <param name="ExpiresAt">When it ends, UTC.</param>
/// <param name="LastUsedAt">When it was last used, UTC, to the minute; null if never, or not noted yet.</param>
[GenerateSerializer, Immutable, Alias("okms.TokenDescription")]
public sealed record TokenDescription(
    [property: Id(0)] string Id, [property: Id(1)] string? Description, [property: Id(2)] DateTimeOffset CreatedAt,
    [property: Id(3)] DateTimeOffset ExpiresAt, [property: Id(4)] DateTimeOffset? LastUsedAt)
{
    /// <summary>Not the description.</summary>
    public override string ToString() => $"{nameof(TokenDescription)} {{ Id = {Id} }}";
}

/// <summary>A token that was just made.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Token">Its text, which cannot be told again.</param>
/// <param name="ExpiresAt">When it ends, UTC.</param>
[GenerateSerializer, Immutable, Alias("okms.CreatedToken")]
public sealed record CreatedToken([property: Id(0)] string Id, [property: Id(1)] string Token, [property: Id(2)] DateTimeOffset ExpiresAt)
{
    /// <summary>Never the token.</summary>
    public override string ToString() => $"{nameof(CreatedToken)} {{ Id = {Id} }}";
}

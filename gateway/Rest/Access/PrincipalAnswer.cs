using System.Text.Json.Serialization;
using OrleansKms.Gateway.Rest.Limits;

namespace OrleansKms.Gateway.Rest.Access;

/// <summary>A principal: an identity that can sign in.</summary>
internal sealed class PrincipalAnswer
{
    /// <summary>The name.</summary>
    public required string Name { get; init; }

    /// <summary>Free text.</summary>
    public required string? Description { get; init; }

    /// <summary>enabled or disabled.</summary>
    public required string State { get; init; }

    /// <summary>The names of its policies.</summary>
    public required string[] Policies { get; init; }

    /// <summary>Its limits.</summary>
    public required LimitBody[] Limits { get; init; }

    /// <summary>Subject alternative names of certificates that it signs in with.</summary>
    public required string[] Certificates { get; init; }

    /// <summary>Identities of JWTs that it signs in with.</summary>
    public required JwtBody[] Jwt { get; init; }

    /// <summary>When it was created.</summary>
    [JsonPropertyName("created_at")]
    public required DateTime CreatedAt { get; init; }

    /// <summary>When it last changed, including when its tokens were created or revoked.</summary>
    [JsonPropertyName("updated_at")]
    public required DateTime UpdatedAt { get; init; }

    public static PrincipalAnswer Of(PrincipalDescription principal) => new()
    {
        Name = principal.Name,
        Description = principal.Description,
        State = principal.IsEnabled ? "enabled" : "disabled",
        Policies = principal.Policies,
        Limits = LimitBody.FromRules(principal.Limits) ?? [],
        Certificates = principal.Certificates,
        Jwt = Array.ConvertAll(principal.Jwt, jwt => new JwtBody { Issuer = jwt.Issuer, Subject = jwt.Subject }),
        CreatedAt = principal.CreatedAt.UtcDateTime,
        UpdatedAt = principal.UpdatedAt.UtcDateTime,
    };
}

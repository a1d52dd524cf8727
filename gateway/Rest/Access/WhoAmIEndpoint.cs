using System.Text.Json.Serialization;

namespace OrleansKms.Gateway.Rest.Access;

/// <summary>Who asks.</summary>
internal sealed class WhoAmIAnswer
{
    /// <summary>The principal's name.</summary>
    public required string Principal { get; init; }

    /// <summary>What it signed in by: administrator, token: and its id, jwt: and the issuer, certificate: and a name.</summary>
    public required string Credential { get; init; }

    /// <summary>The names of its policies.</summary>
    public required string[] Policies { get; init; }

    /// <summary>When that ends.</summary>
    [JsonPropertyName("expires_at"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTime? ExpiresAt { get; init; }
}

/// <summary>Tells who asks.</summary>
internal static class WhoAmIEndpoint
{
    public static Task Handle(RestExchange exchange)
    {
        var principal = exchange.Principal!;
        var answer = new WhoAmIAnswer
        {
            Principal = principal.Name,
            Credential = principal.Credential,
            Policies = [.. principal.Policies.Select(policy => policy.Name)],
            ExpiresAt = principal.ExpiresAt?.UtcDateTime,
        };
        return exchange.Answer(answer, RestJson.Default.WhoAmIAnswer);
    }
}

using System.Text.Json.Serialization;

namespace OrleansKms.Gateway.Rest.Access;

/// <summary>The caller's identity.</summary>
internal sealed class WhoAmIAnswer
{
    /// <summary>The principal's name.</summary>
    public required string Principal { get; init; }

    /// <summary>The credential: administrator, token: and its id, jwt: and the issuer, or certificate: and a name.</summary>
    public required string Credential { get; init; }

    /// <summary>The names of its policies.</summary>
    public required string[] Policies { get; init; }

    /// <summary>When the credential expires.</summary>
    [JsonPropertyName("expires_at"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTime? ExpiresAt { get; init; }
}

/// <summary>Returns the caller's identity.</summary>
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

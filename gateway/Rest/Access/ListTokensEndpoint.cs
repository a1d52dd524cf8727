using System.Text.Json.Serialization;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Access;

/// <summary>A token, without its secret.</summary>
internal sealed class TokenAnswer
{
    /// <summary>Its id.</summary>
    public required string Id { get; init; }

    /// <summary>Free text.</summary>
    public required string? Description { get; init; }

    /// <summary>When it was created.</summary>
    [JsonPropertyName("created_at")]
    public required DateTime CreatedAt { get; init; }

    /// <summary>When it expires.</summary>
    [JsonPropertyName("expires_at")]
    public required DateTime ExpiresAt { get; init; }

    /// <summary>When it was last used, to the minute.</summary>
    [JsonPropertyName("last_used_at"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTime? LastUsedAt { get; init; }
}

/// <summary>The tokens of a principal.</summary>
internal sealed class ListTokensAnswer
{
    /// <summary>The tokens, oldest first. An expired one stays listed for some days.</summary>
    public required TokenAnswer[] Tokens { get; init; }
}

/// <summary>Lists the tokens of a principal.</summary>
internal static class ListTokensEndpoint
{
    public static async Task Handle(RestExchange exchange)
    {
        var tokens = await PrincipalCommands.ListTokens(exchange, PrincipalFields.Name(exchange));
        await exchange.Answer(
            new ListTokensAnswer
            {
                Tokens = Array.ConvertAll(tokens, token => new TokenAnswer
                {
                    Id = token.Id,
                    Description = token.Description,
                    CreatedAt = token.CreatedAt.UtcDateTime,
                    ExpiresAt = token.ExpiresAt.UtcDateTime,
                    LastUsedAt = token.LastUsedAt?.UtcDateTime,
                }),
            },
            RestJson.Default.ListTokensAnswer);
    }
}

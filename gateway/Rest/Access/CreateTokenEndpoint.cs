using System.Text.Json.Serialization;
using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operations;
using OrleansKms.Gateway.Rest.Keys;

namespace OrleansKms.Gateway.Rest.Access;

/// <summary>A new token.</summary>
internal sealed class CreateTokenBody
{
    /// <summary>How long it lives (ISO 8601), P365D at most; by default P90D.</summary>
    [JsonPropertyName("expires_in")]
    public string? ExpiresIn { get; set; }

    /// <summary>A text for people, up to 1,024 characters.</summary>
    public string? Description { get; set; }
}

/// <summary>A token that was just made; it is shown this once.</summary>
internal sealed class CreatedTokenAnswer
{
    /// <summary>Its id, by which it is listed and revoked.</summary>
    public required string Id { get; init; }

    /// <summary>The token.</summary>
    public required string Token { get; init; }

    /// <summary>When it ends.</summary>
    [JsonPropertyName("expires_at")]
    public required DateTime ExpiresAt { get; init; }
}

/// <summary>Makes a token.</summary>
internal static class CreateTokenEndpoint
{
    public static async Task Handle(RestExchange exchange)
    {
        var name = PrincipalFields.Name(exchange);
        var body = await exchange.ReadOptionalJson(RestJson.Default.CreateTokenBody, SizeLimits.ControlBody);
        TimeSpan? life = body.ExpiresIn is null ? null : Durations.Parse(body.ExpiresIn, "expires_in");
        var token = await PrincipalCommands.CreateToken(exchange, name, life, body.Description);
        await exchange.Answer(
            new CreatedTokenAnswer { Id = token.Id, Token = token.Token, ExpiresAt = token.ExpiresAt.UtcDateTime },
            RestJson.Default.CreatedTokenAnswer, StatusCodes.Status201Created);
    }
}

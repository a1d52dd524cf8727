using System.Text.Json.Serialization;
using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operations;
using OrleansKms.Gateway.Rest.Keys;

namespace OrleansKms.Gateway.Rest.Access;

/// <summary>A new token.</summary>
internal sealed class CreateTokenBody
{
    /// <summary>
    /// Its lifetime (ISO 8601), at most <see cref="KmsLimits.MaxTokenLife"/>; <see cref="KmsLimits.DefaultTokenLife"/> by default.
    /// </summary>
    [JsonPropertyName("expires_in")]
    public string? ExpiresIn { get; set; }

    /// <summary>Free text, up to <see cref="KmsLimits.DescriptionLength"/> characters.</summary>
    public string? Description { get; set; }
}

/// <summary>A new token, shown only this once.</summary>
internal sealed class CreatedTokenAnswer
{
    /// <summary>Its id, for listing and revoking it.</summary>
    public required string Id { get; init; }

    /// <summary>The token.</summary>
    public required string Token { get; init; }

    /// <summary>When it expires.</summary>
    [JsonPropertyName("expires_at")]
    public required DateTime ExpiresAt { get; init; }
}

/// <summary>Creates a token.</summary>
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

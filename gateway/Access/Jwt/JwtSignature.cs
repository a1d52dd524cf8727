using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using OrleansKms.Gateway.Configuration;

namespace OrleansKms.Gateway.Access.Jwt;

/// <summary>
/// Verifies a token's signature, and its claims once more by a second parser. A class of its own, so that the library is loaded with the
/// first token and not at each start.
/// </summary>
internal static class JwtSignature
{
    private static readonly JsonWebTokenHandler _handler = new() { MaximumTokenSizeInBytes = JwtForm.MaxLength };

    /// <summary>Whether a token is valid.</summary>
    /// <param name="token">The token.</param>
    /// <param name="form">What was parsed from it.</param>
    /// <param name="issuer">The issuer that it names.</param>
    /// <param name="key">The only key that may have signed it.</param>
    /// <param name="now">The time, UTC.</param>
    public static async Task<bool> IsValid(string token, JwtForm form, JwtIssuer issuer, IssuerKey key, DateTimeOffset now)
    {
        var result = await _handler.ValidateTokenAsync(token, new TokenValidationParameters
        {
            ValidIssuer = issuer.Name,
            ValidAudiences = issuer.Audiences,
            IgnoreTrailingSlashWhenValidatingAudience = false,
            ValidAlgorithms = issuer.Algorithms,
            IssuerSigningKeyResolver = (_, _, _, _) => [key.Key],
            TryAllIssuerSigningKeys = false,
            LifetimeValidator = (from, to, _, _) => to is { } end && JwtForm.IsWithin(Utc(from), Utc(end)!.Value, issuer.Skew, now),
            LogTokenId = false,
            LogValidationExceptions = false,
        });
        return result.IsValid && result.SecurityToken is JsonWebToken read && read.Subject == form.Subject && read.Issuer == form.Issuer;
    }

    private static DateTimeOffset? Utc(DateTime? time) => time is { } known ? new DateTimeOffset(DateTime.SpecifyKind(known, DateTimeKind.Utc)) : null;
}

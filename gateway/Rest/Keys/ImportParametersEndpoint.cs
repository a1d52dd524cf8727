using System.Security.Cryptography;
using System.Text.Json.Serialization;
using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Keys;

/// <summary>What to wrap material with, for one import by this caller.</summary>
internal sealed class ImportParametersAnswer
{
    /// <summary>A secret to send with the wrapped material. It is good once; new parameters make it void.</summary>
    [JsonPropertyName("import_token")]
    public required byte[] ImportToken { get; init; }

    /// <summary>An RSA public key of 3072 bits, as PEM.</summary>
    [JsonPropertyName("wrapping_public_key")]
    public required string WrappingPublicKey { get; init; }

    /// <summary>Until when they can be used.</summary>
    [JsonPropertyName("expires_at")]
    public required DateTime ExpiresAt { get; init; }
}

/// <summary>Makes what material is wrapped with to be imported.</summary>
internal static class ImportParametersEndpoint
{
    public static async Task Handle(RestExchange exchange)
    {
        var id = await exchange.RouteKey();
        await exchange.ReadOptionalJson(RestJson.Default.EmptyBody, SizeLimits.ControlBody);
        var parameters = await Imports.MakeParameters(exchange, id);
        await exchange.Answer(
            new ImportParametersAnswer
            {
                ImportToken = parameters.ImportToken,
                WrappingPublicKey = PemEncoding.WriteString("PUBLIC KEY", parameters.WrappingPublicKey) + "\n",
                ExpiresAt = parameters.ExpiresAt.UtcDateTime,
            },
            RestJson.Default.ImportParametersAnswer);
    }
}

using System.Text.Json;
using System.Text.Json.Serialization;
using OrleansKms.Gateway.Json;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Cryptography;

/// <summary>What is signed as a token: either <c>payload</c> or <c>claims</c>.</summary>
internal sealed class JwsBody
{
    /// <summary>The payload as bytes, up to the operator's limit; it may be empty.</summary>
    public byte[]? Payload { get; set; }

    /// <summary>The payload as a JSON object, which is signed as it was written here; no name twice. Up to the same limit.</summary>
    public JsonElement? Claims { get; set; }

    /// <summary>The header's typ, for example JWT; up to <see cref="KmsLimits.JwsTypeLength"/> characters. By default there is none.</summary>
    public string? Typ { get; set; }

    /// <summary>One of the key's algorithms; by default the first. RSA keys have PS256 and RS256.</summary>
    public string? Algorithm { get; set; }

    /// <summary>The bytes to sign.</summary>
    /// <exception cref="KmsException">invalid_request.</exception>
    internal byte[] ToPayload() => (Payload, Claims) switch
    {
        ({ } bytes, null) => bytes,
        (null, { } claims) => GivenJson.ObjectBytes(claims, "claims"),
        _ => throw KmsError.InvalidRequest.Exception("Either 'payload' or 'claims' must be given."),
    };
}

/// <summary>A signed token.</summary>
internal sealed class JwsAnswer
{
    /// <summary>The key.</summary>
    [JsonPropertyName("key_id")]
    public required string KeyId { get; init; }

    /// <summary>The version that signed.</summary>
    [JsonPropertyName("key_version")]
    public required int KeyVersion { get; init; }

    /// <summary>The compact JWS. Its header has alg, kid (the key's id, a dot, and the version) and typ.</summary>
    public required string Jws { get; init; }
}

/// <summary>Signs a token with the primary version.</summary>
internal static class JwsEndpoint
{
    public static async Task Handle(RestExchange exchange)
    {
        var id = await exchange.RouteKey();
        var body = await exchange.ReadJson(RestJson.Default.JwsBody, exchange.Limits.PlaintextBody);
        var signed = await JwsSigning.Sign(exchange, id, body.ToPayload(), body.Typ, body.Algorithm);
        await exchange.Answer(new JwsAnswer { KeyId = id, KeyVersion = signed.KeyVersion, Jws = signed.Text }, RestJson.Default.JwsAnswer);
    }
}

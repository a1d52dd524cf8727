using System.Security.Cryptography;
using System.Text.Json.Serialization;
using OrleansKms.Gateway.Json;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Keys;

/// <summary>The public key of one version.</summary>
internal sealed class PublicKeyAnswer
{
    /// <summary>The key.</summary>
    [JsonPropertyName("key_id")]
    public required string KeyId { get; init; }

    /// <summary>The version.</summary>
    [JsonPropertyName("key_version")]
    public required int KeyVersion { get; init; }

    /// <summary>The key spec.</summary>
    public required string Spec { get; init; }

    /// <summary>What the key may be used for.</summary>
    public required string Usage { get; init; }

    /// <summary>The algorithms that its operations can name, the default first, where there are any.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string[]? Algorithms { get; init; }

    /// <summary>SubjectPublicKeyInfo in DER.</summary>
    [JsonPropertyName("public_key")]
    public required byte[] PublicKey { get; init; }

    /// <summary>The same as PEM.</summary>
    public required string Pem { get; init; }

    /// <summary>The same as a JSON Web Key, where the spec has that form.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public JwkAnswer? Jwk { get; init; }
}

/// <summary>A public JSON Web Key (RFC 7517).</summary>
internal sealed class JwkAnswer
{
    /// <summary>The key type.</summary>
    public required string Kty { get; init; }

    /// <summary>The key id: that of the key, a dot, and its version.</summary>
    public required string Kid { get; init; }

    /// <summary>sig for keys that sign, enc for keys that encrypt.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Use { get; init; }

    /// <summary>The algorithm, where the key has but one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Alg { get; init; }

    /// <summary>The curve.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Crv { get; init; }

    /// <summary>The public key or its first coordinate.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? X { get; init; }

    /// <summary>The second coordinate.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Y { get; init; }

    /// <summary>The modulus of an RSA key.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? N { get; init; }

    /// <summary>The exponent of an RSA key.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? E { get; init; }

    /// <summary>The public key of an algorithm key pair.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Pub { get; init; }

    public static JwkAnswer Of(string keyId, int version, KeyUsage usage, PublicJwk jwk) => new()
    {
        Kty = jwk.KeyType,
        Kid = FormattableString.Invariant($"{keyId}.{version}"),
        Use = usage switch
        {
            KeyUsage.SignVerify or KeyUsage.Jws => "sig",
            KeyUsage.EncryptDecrypt => "enc",
            _ => null,
        },
        Alg = jwk.Algorithm,
        Crv = jwk.Curve,
        X = jwk.X,
        Y = jwk.Y,
        N = jwk.Modulus,
        E = jwk.Exponent,
        Pub = jwk.Public,
    };
}

/// <summary>Reads the public key of a version.</summary>
internal static class PublicKeyEndpoint
{
    public static readonly QueryParameter[] Parameters = [new("version", "integer", "The key version; by default the primary one.")];

    public static async Task Handle(RestExchange exchange)
    {
        var id = await exchange.RouteKey();
        var version = new Query(exchange).Version("version");
        var key = await PublicKeys.Read(exchange, id, version);
        await exchange.Answer(
            new PublicKeyAnswer
            {
                KeyId = id,
                KeyVersion = key.KeyVersion,
                Spec = key.Spec,
                Usage = WireNames<KeyUsage>.Of(key.Usage),
                Algorithms = key.Algorithms,
                PublicKey = key.PublicKey,
                Pem = PemEncoding.WriteString("PUBLIC KEY", key.PublicKey) + "\n",
                Jwk = key.Jwk is { } jwk ? JwkAnswer.Of(id, key.KeyVersion, key.Usage, jwk) : null,
            },
            RestJson.Default.PublicKeyAnswer);
    }
}

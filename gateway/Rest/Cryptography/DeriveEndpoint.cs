using System.Text.Json.Serialization;
using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Cryptography;

/// <summary>What to derive a key from: a context, or the public key of somebody to agree with.</summary>
internal sealed class DeriveBody
{
    /// <summary>What the derived key is for (the info of HKDF); up to <see cref="KmsLimits.DerivationContextBytes"/>. Usage derive needs it; optional where a key agrees.</summary>
    public byte[]? Context { get; set; }

    /// <summary>The salt of HKDF; up to <see cref="KmsLimits.DerivationContextBytes"/>. Only for usage derive.</summary>
    public byte[]? Salt { get; set; }

    /// <summary>
    /// The other side's public key: SubjectPublicKeyInfo, as PEM or as DER in base64; of X25519 also its bytes alone. Only for usage
    /// key_agreement.
    /// </summary>
    [JsonPropertyName("public_key")]
    public string? PublicKey { get; set; }

    /// <summary>The length of the derived key in bytes, 1 to <see cref="KmsLimits.DerivedKeyBytes"/>; <see cref="KmsLimits.DefaultDerivedKeyBytes"/> by default.</summary>
    public int? Bytes { get; set; }

    /// <summary>Whether to return the shared secret itself, which should not be used as a key; false by default. Only where a key agrees.</summary>
    public bool? Raw { get; set; }

    /// <summary>The version to derive from; the primary one by default.</summary>
    [JsonPropertyName("key_version")]
    public int? KeyVersion { get; set; }
}

/// <summary>A derived key.</summary>
internal sealed class DeriveAnswer
{
    /// <summary>The key.</summary>
    [JsonPropertyName("key_id")]
    public required string KeyId { get; init; }

    /// <summary>The version that it was derived from.</summary>
    [JsonPropertyName("key_version")]
    public required int KeyVersion { get; init; }

    /// <summary>The derived key, or the shared secret.</summary>
    public required byte[] Derived { get; init; }
}

/// <summary>Derives a key, or agrees on one.</summary>
internal static class DeriveEndpoint
{
    public static async Task Handle(RestExchange exchange)
    {
        var id = await exchange.RouteKey();
        var body = await exchange.ReadJson(RestJson.Default.DeriveBody, SizeLimits.ControlBody);
        var derived = await Derivation.Derive(exchange, id, new()
        {
            Caller = exchange.Caller,
            Context = body.Context,
            Salt = body.Salt,
            PublicKey = body.PublicKey is { } text ? PublicKeyText.Parse(text, "public_key") : null,
            Bytes = body.Bytes,
            Raw = body.Raw ?? false,
            KeyVersion = body.KeyVersion,
        });
        await exchange.Answer(
            new DeriveAnswer { KeyId = id, KeyVersion = derived.KeyVersion, Derived = derived.Key }, RestJson.Default.DeriveAnswer);
    }
}

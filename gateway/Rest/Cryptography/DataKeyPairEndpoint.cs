using System.Text.Json.Serialization;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Cryptography;

/// <summary>The data key pair to generate.</summary>
internal sealed class DataKeyPairBody
{
    /// <summary>Its spec: RSA_2048, RSA_3072, RSA_4096, ECC_NIST_P256, ECC_NIST_P384, ECC_NIST_P521, ECC_SECG_P256K1, ED25519 or X25519.</summary>
    public required string Spec { get; set; }

    /// <summary>Whether to return the private key in the clear too; true by default.</summary>
    public bool? Plaintext { get; set; }

    /// <summary>Authenticated with the ciphertext; up to <see cref="KmsLimits.AssociatedDataBytes"/>.</summary>
    [JsonPropertyName("associated_data")]
    public byte[]? AssociatedData { get; set; }
}

/// <summary>A data key pair.</summary>
internal sealed class DataKeyPairAnswer
{
    /// <summary>The key that encrypted the private key.</summary>
    [JsonPropertyName("key_id")]
    public required string KeyId { get; init; }

    /// <summary>The version that encrypted it.</summary>
    [JsonPropertyName("key_version")]
    public required int KeyVersion { get; init; }

    /// <summary>The public key (SubjectPublicKeyInfo, DER).</summary>
    [JsonPropertyName("public_key")]
    public required byte[] PublicKey { get; init; }

    /// <summary>The private key in the clear (PKCS#8, DER), if requested.</summary>
    [JsonPropertyName("private_key")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public byte[]? PrivateKey { get; init; }

    /// <summary>The encrypted private key.</summary>
    public required byte[] Ciphertext { get; init; }
}

/// <summary>Generates a data key pair.</summary>
internal static class DataKeyPairEndpoint
{
    public static async Task Handle(RestExchange exchange)
    {
        var id = await exchange.RouteKey();
        var body = await exchange.ReadJson(RestJson.Default.DataKeyPairBody, exchange.Limits.PlaintextBody);
        var pair = await Encryption.GenerateDataKeyPair(exchange, id, body.Spec, body.Plaintext, body.AssociatedData);
        await exchange.Answer(
            new DataKeyPairAnswer
            {
                KeyId = id,
                KeyVersion = pair.KeyVersion,
                PublicKey = pair.PublicKey,
                PrivateKey = pair.PrivateKey,
                Ciphertext = pair.Ciphertext,
            },
            RestJson.Default.DataKeyPairAnswer);
    }
}

using System.Text.Json.Serialization;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Cryptography;

/// <summary>A plaintext and its key.</summary>
internal sealed class EncryptShortBody
{
    /// <summary>The key: an id or an alias.</summary>
    [JsonPropertyName("key_id")]
    public required string KeyId { get; set; }

    /// <summary>1 byte to the operator's limit (<see cref="KmsLimits.DefaultPlaintextBytes"/> by default).</summary>
    public required byte[] Plaintext { get; set; }

    /// <summary>Authenticated, not encrypted; up to <see cref="KmsLimits.AssociatedDataBytes"/>.</summary>
    [JsonPropertyName("associated_data")]
    public byte[]? AssociatedData { get; set; }

    /// <summary>One of the key's algorithms; by default the first. Only for RSA keys.</summary>
    public string? Algorithm { get; set; }

    /// <summary>Whether to answer with the bare ciphertext, without the header that names key and version; false by default. Only for RSA keys.</summary>
    public bool? Raw { get; set; }
}

/// <summary>The short form of an encryption.</summary>
internal static class EncryptShortEndpoint
{
    public static async Task Handle(RestExchange exchange)
    {
        var body = await exchange.ReadJson(RestJson.Default.EncryptShortBody, exchange.Limits.PlaintextBody);
        var id = await exchange.FindKey(body.KeyId);
        await EncryptEndpoint.Answer(exchange, id, await Encryption.Encrypt(exchange, id, body.Plaintext, body.AssociatedData, body.Algorithm, body.Raw));
    }
}

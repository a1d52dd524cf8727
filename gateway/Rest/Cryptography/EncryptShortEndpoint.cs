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
}

/// <summary>The short form of an encryption.</summary>
internal static class EncryptShortEndpoint
{
    public static async Task Handle(RestExchange exchange)
    {
        var body = await exchange.ReadJson(RestJson.Default.EncryptShortBody, exchange.Limits.PlaintextBody);
        var id = await exchange.FindKey(body.KeyId);
        await EncryptEndpoint.Answer(exchange, id, await Encryption.Encrypt(exchange, id, body.Plaintext, body.AssociatedData));
    }
}

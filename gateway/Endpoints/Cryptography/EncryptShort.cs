using System.Text.Json.Serialization;
using OrleansKms.Gateway.Http;
using OrleansKms.Gateway.Json;

namespace OrleansKms.Gateway.Endpoints.Cryptography;

/// <summary>A plaintext and its key.</summary>
internal sealed class EncryptShortBody
{
    /// <summary>The key: an id or an alias.</summary>
    [JsonPropertyName("key_id")]
    public required string KeyId { get; set; }

    /// <summary>1 byte to the operator's limit (64 KiB).</summary>
    public required byte[] Plaintext { get; set; }

    /// <summary>Authenticated and not encrypted; up to 8 KiB.</summary>
    [JsonPropertyName("associated_data")]
    public byte[]? AssociatedData { get; set; }
}

/// <summary>The short form of an encryption.</summary>
internal static class EncryptShortEndpoint
{
    public static async Task Handle(Exchange exchange)
    {
        var body = await exchange.ReadJson(GatewayJson.Default.EncryptShortBody, exchange.Limits.PlaintextBody);
        var id = await exchange.ResolveKey(body.KeyId);
        exchange.KeyId = id;
        await EncryptEndpoint.Answer(exchange, id, await EncryptEndpoint.Encrypt(exchange, id, body.Plaintext, body.AssociatedData));
    }
}

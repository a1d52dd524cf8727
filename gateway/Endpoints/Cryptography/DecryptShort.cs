using System.Text.Json.Serialization;
using OrleansKms.Gateway.Http;
using OrleansKms.Gateway.Json;
using OrleansKms.Gateway.Limits;

namespace OrleansKms.Gateway.Endpoints.Cryptography;

/// <summary>A ciphertext and its key.</summary>
internal sealed class DecryptShortBody
{
    /// <summary>The key: an id or an alias. It may be left out, since the ciphertext names it.</summary>
    [JsonPropertyName("key_id")]
    public string? KeyId { get; set; }

    /// <summary>A ciphertext of the key.</summary>
    public required byte[] Ciphertext { get; set; }

    /// <summary>What the ciphertext was made with.</summary>
    [JsonPropertyName("associated_data")]
    public byte[]? AssociatedData { get; set; }
}

/// <summary>The short form of a decryption.</summary>
internal static class DecryptShortEndpoint
{
    public static async Task Handle(Exchange exchange)
    {
        var body = await exchange.ReadJson(GatewayJson.Default.DecryptShortBody, SizeLimits.CiphertextBody);
        if (body.KeyId is null)
        {
            var (keyId, value) = await DecryptByCiphertextEndpoint.DecryptNoted(exchange, body.Ciphertext, body.AssociatedData);
            await DecryptEndpoint.Answer(exchange, keyId, value);
            return;
        }

        var id = await exchange.ResolveKey(body.KeyId);
        exchange.KeyId = id;
        await DecryptEndpoint.Answer(exchange, id, await DecryptEndpoint.Decrypt(exchange, id, body.Ciphertext, body.AssociatedData));
    }
}

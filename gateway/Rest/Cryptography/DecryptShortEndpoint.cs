using System.Text.Json.Serialization;
using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Cryptography;

/// <summary>A ciphertext and its key.</summary>
internal sealed class DecryptShortBody
{
    /// <summary>The key: an id or an alias. May be omitted, since the ciphertext names it.</summary>
    [JsonPropertyName("key_id")]
    public string? KeyId { get; set; }

    /// <summary>A ciphertext of the key.</summary>
    public required byte[] Ciphertext { get; set; }

    /// <summary>The associated data that the ciphertext was made with.</summary>
    [JsonPropertyName("associated_data")]
    public byte[]? AssociatedData { get; set; }

    /// <summary>One of the key's algorithms; by default the one that the ciphertext names or, of a raw one, the first. Only for RSA keys.</summary>
    public string? Algorithm { get; set; }

    /// <summary>Whether the ciphertext is a bare one, without a header; false by default. Only for RSA keys, and with key_version.</summary>
    public bool? Raw { get; set; }

    /// <summary>The version that a raw ciphertext was encrypted with; only for raw ones.</summary>
    [JsonPropertyName("key_version")]
    public int? KeyVersion { get; set; }
}

/// <summary>The short form of a decryption.</summary>
internal static class DecryptShortEndpoint
{
    public static async Task Handle(RestExchange exchange)
    {
        var body = await exchange.ReadJson(RestJson.Default.DecryptShortBody, SizeLimits.CiphertextBody);
        if (body.KeyId is null)
        {
            Fields.RequireKey(body.Algorithm, body.Raw, body.KeyVersion);
            var (keyId, value) = await Decryption.DecryptByCiphertext(exchange, body.Ciphertext, body.AssociatedData);
            await DecryptEndpoint.Answer(exchange, keyId, value);
            return;
        }

        var id = await exchange.FindKey(body.KeyId);
        var item = DecryptEndpoint.ToMessage(body.Ciphertext, body.AssociatedData, body.Algorithm, body.Raw, body.KeyVersion);
        await DecryptEndpoint.Answer(exchange, id, await Decryption.Decrypt(exchange, id, item));
    }
}

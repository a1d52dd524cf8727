using System.Text.Json.Serialization;
using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Cryptography;

/// <summary>A ciphertext that names its own key.</summary>
internal sealed class DecryptByCiphertextBody
{
    /// <summary>A ciphertext of any key.</summary>
    public required byte[] Ciphertext { get; set; }

    /// <summary>The associated data that the ciphertext was made with.</summary>
    [JsonPropertyName("associated_data")]
    public byte[]? AssociatedData { get; set; }
}

/// <summary>Decrypts with the key that the ciphertext names.</summary>
internal static class DecryptByCiphertextEndpoint
{
    public static async Task Handle(RestExchange exchange)
    {
        if (Bodies.IsOctets(exchange.Http.Request))
        {
            var associatedData = OctetForm.AssociatedData(exchange);
            var (keyId, value) = await Decryption.DecryptByCiphertext(exchange, await exchange.ReadOctets(SizeLimits.Ciphertext), associatedData);
            await OctetForm.Answer(exchange, keyId, value.KeyVersion, value.Plaintext, value.Kind);
            return;
        }

        var body = await exchange.ReadJson(RestJson.Default.DecryptByCiphertextBody, SizeLimits.CiphertextBody);
        var (id, decrypted) = await Decryption.DecryptByCiphertext(exchange, body.Ciphertext, body.AssociatedData);
        await DecryptEndpoint.Answer(exchange, id, decrypted);
    }
}

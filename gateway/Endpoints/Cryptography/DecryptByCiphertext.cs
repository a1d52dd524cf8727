using System.Text.Json.Serialization;
using OrleansKms.Gateway.Http;
using OrleansKms.Gateway.Json;
using OrleansKms.Gateway.Limits;

namespace OrleansKms.Gateway.Endpoints.Cryptography;

/// <summary>A ciphertext that names its key itself.</summary>
internal sealed class DecryptByCiphertextBody
{
    /// <summary>A ciphertext of any key.</summary>
    public required byte[] Ciphertext { get; set; }

    /// <summary>What the ciphertext was made with.</summary>
    [JsonPropertyName("associated_data")]
    public byte[]? AssociatedData { get; set; }
}

/// <summary>Decrypts with the key that the ciphertext names.</summary>
internal static class DecryptByCiphertextEndpoint
{
    public static async Task Handle(Exchange exchange)
    {
        if (Bodies.IsOctets(exchange.Http.Request))
        {
            var associatedData = OctetForm.AssociatedData(exchange);
            var (keyId, value) = await DecryptNoted(exchange, await exchange.ReadOctets(SizeLimits.Ciphertext), associatedData);
            await OctetForm.Answer(exchange, keyId, value.KeyVersion, value.Plaintext, value.Kind);
            return;
        }

        var body = await exchange.ReadJson(GatewayJson.Default.DecryptByCiphertextBody, SizeLimits.CiphertextBody);
        var (id, decrypted) = await DecryptNoted(exchange, body.Ciphertext, body.AssociatedData);
        await DecryptEndpoint.Answer(exchange, id, decrypted);
    }

    /// <summary>Decrypts, whatever key it is, which is also the log's.</summary>
    public static async Task<(string KeyId, Decrypted Value)> DecryptNoted(Exchange exchange, byte[] ciphertext, byte[]? associatedData)
    {
        exchange.KeyId = await FindKey(exchange, ciphertext, associatedData);
        return (exchange.KeyId, await DecryptEndpoint.Decrypt(exchange, exchange.KeyId, ciphertext, associatedData));
    }

    /// <summary>The key that a ciphertext names. The caller is authorized to decrypt with it.</summary>
    public static ValueTask<string> FindKey(Exchange exchange, byte[] ciphertext, byte[]? associatedData)
    {
        Fields.Refuse(Fields.CheckCiphertext(ciphertext, associatedData));
        return exchange.ResolveKey(Fields.ReadHeader(ciphertext).KeyId, KmsOperation.Decrypt);
    }
}

using System.Text.Json.Serialization;
using OrleansKms.Gateway.Http;
using OrleansKms.Gateway.Json;
using OrleansKms.Gateway.Limits;

namespace OrleansKms.Gateway.Endpoints.Cryptography;

/// <summary>A ciphertext that is to be under another key.</summary>
internal sealed class ReencryptBody
{
    /// <summary>A ciphertext of any key.</summary>
    public required byte[] Ciphertext { get; set; }

    /// <summary>What the ciphertext was made with.</summary>
    [JsonPropertyName("associated_data")]
    public byte[]? AssociatedData { get; set; }

    /// <summary>The key to encrypt with: an id or an alias.</summary>
    [JsonPropertyName("destination_key_id")]
    public required string DestinationKeyId { get; set; }

    /// <summary>The associated data of the new ciphertext.</summary>
    [JsonPropertyName("destination_associated_data")]
    public byte[]? DestinationAssociatedData { get; set; }
}

/// <summary>Moves a ciphertext from one key to another; the plaintext stays in the silos.</summary>
internal static class ReencryptEndpoint
{
    public static async Task Handle(Exchange exchange)
    {
        var body = await exchange.ReadJson(GatewayJson.Default.ReencryptBody, SizeLimits.CiphertextBody);
        exchange.KeyId = await FindDestination(
            exchange, body.Ciphertext, body.AssociatedData, body.DestinationKeyId, body.DestinationAssociatedData);
        var answer = await Reencrypt(
            exchange, body.Ciphertext, body.AssociatedData, exchange.KeyId, body.DestinationAssociatedData);
        await exchange.Answer(
            new EncryptAnswer { KeyId = answer.KeyId, KeyVersion = answer.KeyVersion, Ciphertext = answer.Ciphertext },
            GatewayJson.Default.EncryptAnswer);
    }

    /// <summary>The key to encrypt with. The caller must be allowed to decrypt with the one key and encrypt with the other.</summary>
    public static async Task<string> FindDestination(
        Exchange exchange, byte[] ciphertext, byte[]? associatedData, string destinationKeyId, byte[]? destinationAssociatedData)
    {
        Fields.Refuse(Fields.CheckCiphertext(ciphertext, associatedData));
        Fields.Refuse(Fields.CheckAssociatedData(destinationAssociatedData));
        if (CiphertextHeader.TryRead(ciphertext, out var header))
        {
            await exchange.ResolveKey(header.KeyId, KmsOperation.Decrypt);
        }

        return await exchange.ResolveKey(destinationKeyId, KmsOperation.Encrypt);
    }

    /// <summary>Moves one ciphertext to the key that was found.</summary>
    public static Task<Reencrypted> Reencrypt(
        Exchange exchange, byte[] ciphertext, byte[]? associatedData, string destination, byte[]? destinationAssociatedData) =>
        exchange.InTime(exchange.Services.Reencryption.Of(0).Reencrypt(
            new Reencrypt(exchange.Caller, ciphertext, associatedData, destination, destinationAssociatedData)));
}

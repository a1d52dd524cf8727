using System.Text.Json.Serialization;
using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Cryptography;

/// <summary>A ciphertext to move to another key.</summary>
internal sealed class ReencryptBody
{
    /// <summary>A ciphertext of any key.</summary>
    public required byte[] Ciphertext { get; set; }

    /// <summary>The associated data that the ciphertext was made with.</summary>
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
    public static async Task Handle(RestExchange exchange)
    {
        var body = await exchange.ReadJson(RestJson.Default.ReencryptBody, SizeLimits.CiphertextBody);
        exchange.KeyId = await Reencryption.FindDestination(
            exchange, body.Ciphertext, body.AssociatedData, body.DestinationKeyId, body.DestinationAssociatedData);
        var answer = await Reencryption.Reencrypt(
            exchange, body.Ciphertext, body.AssociatedData, exchange.KeyId, body.DestinationAssociatedData);
        await exchange.Answer(
            new EncryptAnswer { KeyId = answer.KeyId, KeyVersion = answer.KeyVersion, Ciphertext = answer.Ciphertext },
            RestJson.Default.EncryptAnswer);
    }
}

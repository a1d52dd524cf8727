using System.Text.Json.Serialization;
using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Cryptography;

/// <summary>A secret that was just made, and what the key finds it by.</summary>
internal sealed class EncapsulateAnswer
{
    /// <summary>The key.</summary>
    [JsonPropertyName("key_id")]
    public required string KeyId { get; init; }

    /// <summary>The version that it was made for: keep it, and name it when you decapsulate.</summary>
    [JsonPropertyName("key_version")]
    public required int KeyVersion { get; init; }

    /// <summary>The secret, of 256 bits.</summary>
    [JsonPropertyName("shared_secret")]
    public required byte[] SharedSecret { get; init; }

    /// <summary>The encapsulated secret.</summary>
    public required byte[] Ciphertext { get; init; }
}

/// <summary>Makes a secret and encapsulates it for the primary version.</summary>
internal static class EncapsulateEndpoint
{
    public static async Task Handle(RestExchange exchange)
    {
        var id = await exchange.RouteKey();
        await exchange.ReadOptionalJson(RestJson.Default.EmptyBody, SizeLimits.ControlBody);
        var made = await Encapsulation.Encapsulate(exchange, id);
        await exchange.Answer(
            new EncapsulateAnswer { KeyId = id, KeyVersion = made.KeyVersion, SharedSecret = made.SharedSecret, Ciphertext = made.Ciphertext },
            RestJson.Default.EncapsulateAnswer);
    }
}

using System.Text.Json.Serialization;
using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Cryptography;

/// <summary>An encapsulated secret.</summary>
internal sealed class DecapsulateBody
{
    /// <summary>
    /// The ciphertext. One of the right length that was changed, or made for another key or version, leads to another secret, not to an
    /// error.
    /// </summary>
    public byte[]? Ciphertext { get; set; }

    /// <summary>The version that it was made for; the primary one by default.</summary>
    [JsonPropertyName("key_version")]
    public int? KeyVersion { get; set; }
}

/// <summary>A secret that was encapsulated.</summary>
internal sealed class DecapsulateAnswer
{
    /// <summary>The key.</summary>
    [JsonPropertyName("key_id")]
    public required string KeyId { get; init; }

    /// <summary>The version that found it.</summary>
    [JsonPropertyName("key_version")]
    public required int KeyVersion { get; init; }

    /// <summary>The secret, of 256 bits.</summary>
    [JsonPropertyName("shared_secret")]
    public required byte[] SharedSecret { get; init; }
}

/// <summary>Finds an encapsulated secret.</summary>
internal static class DecapsulateEndpoint
{
    public static async Task Handle(RestExchange exchange)
    {
        var id = await exchange.RouteKey();
        var body = await exchange.ReadJson(RestJson.Default.DecapsulateBody, SizeLimits.ControlBody);
        var found = await Encapsulation.Decapsulate(exchange, id, Fields.Require(body.Ciphertext, "ciphertext"), body.KeyVersion);
        await exchange.Answer(
            new DecapsulateAnswer { KeyId = id, KeyVersion = found.KeyVersion, SharedSecret = found.SharedSecret },
            RestJson.Default.DecapsulateAnswer);
    }
}

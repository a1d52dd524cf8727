using System.Text.Json.Serialization;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Cryptography;

/// <summary>The data key to generate.</summary>
internal sealed class DataKeyBody
{
    /// <summary>
    /// Its length in bytes, 1 to <see cref="KmsLimits.DataKeyBytes"/>; <see cref="KmsLimits.DefaultDataKeyBytes"/> by default.
    /// </summary>
    public int? Bytes { get; set; }

    /// <summary>Whether to return it in the clear too; true by default.</summary>
    public bool? Plaintext { get; set; }

    /// <summary>Authenticated with the ciphertext; up to <see cref="KmsLimits.AssociatedDataBytes"/>.</summary>
    [JsonPropertyName("associated_data")]
    public byte[]? AssociatedData { get; set; }
}

/// <summary>A data key.</summary>
internal sealed class DataKeyAnswer
{
    /// <summary>The key that encrypted it.</summary>
    [JsonPropertyName("key_id")]
    public required string KeyId { get; init; }

    /// <summary>The version that encrypted it.</summary>
    [JsonPropertyName("key_version")]
    public required int KeyVersion { get; init; }

    /// <summary>The data key in the clear, if requested.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public byte[]? Plaintext { get; init; }

    /// <summary>The encrypted data key.</summary>
    public required byte[] Ciphertext { get; init; }
}

/// <summary>Generates a data key.</summary>
internal static class DataKeyEndpoint
{
    public static async Task Handle(RestExchange exchange)
    {
        var id = await exchange.RouteKey();
        var body = await exchange.ReadOptionalJson(RestJson.Default.DataKeyBody, exchange.Limits.PlaintextBody);
        var key = await Encryption.GenerateDataKey(exchange, id, body.Bytes, body.Plaintext, body.AssociatedData);
        await exchange.Answer(
            new DataKeyAnswer { KeyId = id, KeyVersion = key.KeyVersion, Plaintext = key.Plaintext, Ciphertext = key.Ciphertext },
            RestJson.Default.DataKeyAnswer);
    }
}

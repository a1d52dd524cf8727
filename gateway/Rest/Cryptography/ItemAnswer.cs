using System.Text.Json.Serialization;
using OrleansKms.Gateway.Json;

namespace OrleansKms.Gateway.Rest.Cryptography;

/// <summary>The outcome of one item: the fields of the single operation's answer, or an error.</summary>
internal sealed class ItemAnswer
{
    /// <summary>The item's own label.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Reference { get; init; }

    /// <summary>The key.</summary>
    [JsonPropertyName("key_id")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? KeyId { get; init; }

    /// <summary>The version that encrypted or signed it.</summary>
    [JsonPropertyName("key_version")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? KeyVersion { get; init; }

    /// <summary>What the ciphertext held: data, data_key or data_key_pair.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Kind { get; init; }

    /// <summary>The plaintext.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public byte[]? Plaintext { get; init; }

    /// <summary>The ciphertext.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public byte[]? Ciphertext { get; init; }

    /// <summary>The algorithm of the signature.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Algorithm { get; init; }

    /// <summary>The signature.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public byte[]? Signature { get; init; }

    /// <summary>The MAC.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public byte[]? Mac { get; init; }

    /// <summary>Whether the signature or MAC is valid.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? Valid { get; init; }

    /// <summary>Why the item failed.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ErrorAnswer? Error { get; init; }

    public static ItemAnswer Of(string? reference, string keyId, Encrypted value) =>
        new() { Reference = reference, KeyId = keyId, KeyVersion = value.KeyVersion, Ciphertext = value.Ciphertext };

    public static ItemAnswer Of(string? reference, string keyId, Decrypted value) => new()
    {
        Reference = reference,
        KeyId = keyId,
        KeyVersion = value.KeyVersion,
        Kind = WireNames<CiphertextKind>.Of(value.Kind),
        Plaintext = value.Plaintext,
    };

    public static ItemAnswer Of(string? reference, string keyId, Signature value) => new()
    {
        Reference = reference,
        KeyId = keyId,
        KeyVersion = value.KeyVersion,
        Algorithm = value.Algorithm,
        Signature = value.Value,
    };

    public static ItemAnswer Of(string? reference, string keyId, GeneratedMac value) =>
        new() { Reference = reference, KeyId = keyId, KeyVersion = value.KeyVersion, Mac = value.Mac };

    public static ItemAnswer Of(string? reference, string keyId, Verified value) =>
        new() { Reference = reference, KeyId = keyId, KeyVersion = value.KeyVersion, Valid = value.IsValid };

    public static ItemAnswer Of(string? reference, string keyId, DataKey value) => new()
    {
        Reference = reference,
        KeyId = keyId,
        KeyVersion = value.KeyVersion,
        Plaintext = value.Plaintext,
        Ciphertext = value.Ciphertext,
    };
}

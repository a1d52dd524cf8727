using System.Text.Json.Serialization;
using OrleansKms.Gateway.Json;
using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Cryptography;

/// <summary>One ciphertext, or <c>items</c> of them.</summary>
internal sealed class DecryptBody
{
    /// <summary>A ciphertext of the key.</summary>
    public byte[]? Ciphertext { get; set; }

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

    /// <summary>1 to <see cref="KmsLimits.BatchItems"/> ciphertexts, <see cref="KmsLimits.BatchBytes"/> together, instead of one.</summary>
    public DecryptItemBody[]? Items { get; set; }
}

/// <summary>One ciphertext of a batch.</summary>
internal sealed class DecryptItemBody : IReferenced
{
    /// <summary>A ciphertext of the key.</summary>
    [JsonRequired]
    public byte[] Ciphertext { get; set; } = [];

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

    /// <summary>The caller's own label, repeated in the result; up to <see cref="KmsLimits.ReferenceLength"/> characters.</summary>
    public string? Reference { get; set; }
}

/// <summary>A plaintext.</summary>
internal sealed class DecryptAnswer
{
    /// <summary>The key.</summary>
    [JsonPropertyName("key_id")]
    public required string KeyId { get; init; }

    /// <summary>The version that encrypted it.</summary>
    [JsonPropertyName("key_version")]
    public required int KeyVersion { get; init; }

    /// <summary>What the ciphertext held: data, data_key or data_key_pair.</summary>
    public required string Kind { get; init; }

    /// <summary>The plaintext.</summary>
    public required byte[] Plaintext { get; init; }
}

/// <summary>Decrypts with a key that the path names.</summary>
internal static class DecryptEndpoint
{
    public static async Task Handle(RestExchange exchange)
    {
        var id = await exchange.RouteKey();
        if (Bodies.IsOctets(exchange.Http.Request))
        {
            var associatedData = OctetForm.AssociatedData(exchange);
            var ciphertext = await exchange.ReadOctets(SizeLimits.Ciphertext);
            var decrypted = await Decryption.Decrypt(exchange, id, ciphertext, associatedData);
            await OctetForm.Answer(exchange, id, decrypted.KeyVersion, decrypted.Plaintext, decrypted.Kind);
            return;
        }

        var body = await exchange.ReadJson(RestJson.Default.DecryptBody, SizeLimits.BatchBody);
        if (body.Items is { } items)
        {
            await DecryptItems(exchange, id, body, items);
            return;
        }

        var item = ToMessage(Fields.Require(body.Ciphertext, "ciphertext"), body.AssociatedData, body.Algorithm, body.Raw, body.KeyVersion);
        await Answer(exchange, id, await Decryption.Decrypt(exchange, id, item));
    }

    /// <summary>Answers with a plaintext.</summary>
    public static Task Answer(RestExchange exchange, string id, Decrypted decrypted) => exchange.Answer(
        new DecryptAnswer
        {
            KeyId = id,
            KeyVersion = decrypted.KeyVersion,
            Kind = WireNames<CiphertextKind>.Of(decrypted.Kind),
            Plaintext = decrypted.Plaintext,
        },
        RestJson.Default.DecryptAnswer);

    /// <summary>A decryption for the grain.</summary>
    public static DecryptItem ToMessage(byte[] ciphertext, byte[]? associatedData, string? algorithm, bool? raw, int? keyVersion) =>
        new(ciphertext, associatedData) { Algorithm = algorithm, Raw = raw ?? false, KeyVersion = keyVersion };

    private static async Task DecryptItems(RestExchange exchange, string id, DecryptBody body, DecryptItemBody[] items)
    {
        if (body is not { Ciphertext: null, AssociatedData: null, Algorithm: null, Raw: null, KeyVersion: null })
        {
            throw KmsError.InvalidRequest.Exception("'items' must be alone: the other fields belong in each item.");
        }

        Items.Check(items, i => SizeLimits.InBatch(i.Ciphertext) + (i.AssociatedData?.Length ?? 0), i => i.Reference);
        var results = await Decryption.DecryptMany(
            exchange, id, Array.ConvertAll(items, i => ToMessage(i.Ciphertext, i.AssociatedData, i.Algorithm, i.Raw, i.KeyVersion)));
        await Items.Answer(exchange, items, results, (i, value) => ItemAnswer.Of(i.Reference, id, value));
    }
}

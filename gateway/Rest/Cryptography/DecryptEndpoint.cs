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

        await Answer(exchange, id, await Decryption.Decrypt(exchange, id, Fields.Require(body.Ciphertext, "ciphertext"), body.AssociatedData));
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

    /// <summary>Refuses fields beside <c>items</c>, and a batch that is too large.</summary>
    public static void CheckItems(DecryptBody body, DecryptItemBody[] items)
    {
        if (body.Ciphertext is not null || body.AssociatedData is not null)
        {
            throw KmsError.InvalidRequest.Exception("'items' must be alone: the other fields belong in each item.");
        }

        Items.Check(items, i => SizeLimits.InBatch(i.Ciphertext) + (i.AssociatedData?.Length ?? 0), i => i.Reference);
    }

    /// <summary>The items for the grain.</summary>
    public static DecryptItem[] ToMessages(DecryptItemBody[] items) =>
        Array.ConvertAll(items, i => new DecryptItem(i.Ciphertext, i.AssociatedData));

    private static async Task DecryptItems(RestExchange exchange, string id, DecryptBody body, DecryptItemBody[] items)
    {
        CheckItems(body, items);
        var results = await Decryption.DecryptMany(exchange, id, ToMessages(items));
        await Items.Answer(exchange, items, results, (i, value) => ItemAnswer.Of(i.Reference, id, value));
    }
}

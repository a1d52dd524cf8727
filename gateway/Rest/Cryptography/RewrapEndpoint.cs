using System.Text.Json.Serialization;
using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Cryptography;

/// <summary>One ciphertext to re-encrypt, or <c>items</c> of them.</summary>
internal sealed class RewrapBody
{
    /// <summary>A ciphertext of the key.</summary>
    public byte[]? Ciphertext { get; set; }

    /// <summary>The associated data that the ciphertext was made with, and that the new one is made with.</summary>
    [JsonPropertyName("associated_data")]
    public byte[]? AssociatedData { get; set; }

    /// <summary>1 to <see cref="KmsLimits.BatchItems"/> ciphertexts, <see cref="KmsLimits.BatchBytes"/> together, instead of one.</summary>
    public RewrapItemBody[]? Items { get; set; }
}

/// <summary>One ciphertext of a batch.</summary>
internal sealed class RewrapItemBody : IReferenced
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

/// <summary>Re-encrypts ciphertexts under the primary version; the plaintext stays in the grain.</summary>
internal static class RewrapEndpoint
{
    public static async Task Handle(RestExchange exchange)
    {
        var id = await exchange.RouteKey();
        var body = await exchange.ReadJson(RestJson.Default.RewrapBody, SizeLimits.BatchBody);
        if (body.Items is { } items)
        {
            await RewrapItems(exchange, id, body, items);
            return;
        }

        var rewrapped = await Encryption.Rewrap(exchange, id, Fields.Require(body.Ciphertext, "ciphertext"), body.AssociatedData);
        await EncryptEndpoint.Answer(exchange, id, rewrapped);
    }

    private static async Task RewrapItems(RestExchange exchange, string id, RewrapBody body, RewrapItemBody[] items)
    {
        if (body.Ciphertext is not null || body.AssociatedData is not null)
        {
            throw KmsError.InvalidRequest.Exception("'items' must be alone: the other fields belong in each item.");
        }

        Items.Check(items, i => SizeLimits.InBatch(i.Ciphertext) + (i.AssociatedData?.Length ?? 0), i => i.Reference);
        var results = await Encryption.RewrapMany(exchange, id, Array.ConvertAll(items, i => new DecryptItem(i.Ciphertext, i.AssociatedData)));
        await Items.Answer(exchange, items, results, (i, value) => ItemAnswer.Of(i.Reference, id, value));
    }
}

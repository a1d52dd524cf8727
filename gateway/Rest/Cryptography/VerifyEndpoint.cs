using System.Text.Json.Serialization;
using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Cryptography;

/// <summary>One signature to verify, or <c>items</c> of them.</summary>
internal sealed class VerifyBody : SignedFields
{
    /// <summary>The signature.</summary>
    public byte[]? Signature { get; set; }

    /// <summary>The version that must have made it; by default every enabled one from min_decrypt_version on is tried, the newest first.</summary>
    [JsonPropertyName("key_version")]
    public int? KeyVersion { get; set; }

    /// <summary>1 to <see cref="KmsLimits.BatchItems"/> signatures, which have <see cref="KmsLimits.BatchBytes"/> together with their messages, instead of one.</summary>
    public VerifyItemBody[]? Items { get; set; }
}

/// <summary>One signature of a batch.</summary>
internal sealed class VerifyItemBody : SignedFields, IReferenced
{
    /// <summary>The signature.</summary>
    [JsonRequired]
    public byte[] Signature { get; set; } = [];

    /// <summary>The version that must have made it; by default every one that may is tried.</summary>
    [JsonPropertyName("key_version")]
    public int? KeyVersion { get; set; }

    /// <summary>The caller's own label, repeated in the result; up to <see cref="KmsLimits.ReferenceLength"/> characters.</summary>
    public string? Reference { get; set; }

    internal override long CountedBytes => base.CountedBytes + Signature.Length;
}

/// <summary>Whether a signature is valid.</summary>
internal sealed class VerifyAnswer
{
    /// <summary>The key.</summary>
    [JsonPropertyName("key_id")]
    public required string KeyId { get; init; }

    /// <summary>Whether the key made it.</summary>
    public required bool Valid { get; init; }

    /// <summary>The version that made it, where it is valid.</summary>
    [JsonPropertyName("key_version")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? KeyVersion { get; init; }
}

/// <summary>Verifies signatures. One that is not valid is an answer, not an error.</summary>
internal static class VerifyEndpoint
{
    public static async Task Handle(RestExchange exchange)
    {
        var id = await exchange.RouteKey();
        var body = await exchange.ReadJson(RestJson.Default.VerifyBody, SizeLimits.BatchBody);
        if (body.Items is { } items)
        {
            await VerifyItems(exchange, id, body, items);
            return;
        }

        var item = new VerifyItem(body.ToItem(), Fields.Require(body.Signature, "signature"), body.KeyVersion);
        var verified = await Signing.Verify(exchange, id, item);
        await exchange.Answer(
            new VerifyAnswer { KeyId = id, Valid = verified.IsValid, KeyVersion = verified.KeyVersion }, RestJson.Default.VerifyAnswer);
    }

    private static async Task VerifyItems(RestExchange exchange, string id, VerifyBody body, VerifyItemBody[] items)
    {
        if (body.IsGiven || body.Signature is not null || body.KeyVersion is not null)
        {
            throw KmsError.InvalidRequest.Exception("'items' must be alone: the other fields belong into each item.");
        }

        Items.Check(items, i => i.CountedBytes, i => i.Reference);
        var results = await Signing.VerifyMany(
            exchange, id, Array.ConvertAll(items, i => new VerifyItem(i.ToItem(), i.Signature, i.KeyVersion)));
        await Items.Answer(exchange, items, results, (i, value) => ItemAnswer.Of(i.Reference, id, value));
    }
}

using System.Text.Json.Serialization;
using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Cryptography;

/// <summary>One message or digest to sign, or <c>items</c> of them.</summary>
internal sealed class SignBody : SignedFields
{
    /// <summary>1 to <see cref="KmsLimits.BatchItems"/> messages or digests, <see cref="KmsLimits.BatchBytes"/> together, instead of one.</summary>
    public SignItemBody[]? Items { get; set; }
}

/// <summary>One message or digest of a batch.</summary>
internal sealed class SignItemBody : SignedFields, IReferenced
{
    /// <summary>The caller's own label, repeated in the result; up to <see cref="KmsLimits.ReferenceLength"/> characters.</summary>
    public string? Reference { get; set; }
}

/// <summary>A signature.</summary>
internal sealed class SignAnswer
{
    /// <summary>The key.</summary>
    [JsonPropertyName("key_id")]
    public required string KeyId { get; init; }

    /// <summary>The version that signed.</summary>
    [JsonPropertyName("key_version")]
    public required int KeyVersion { get; init; }

    /// <summary>The algorithm.</summary>
    public required string Algorithm { get; init; }

    /// <summary>The signature.</summary>
    public required byte[] Signature { get; init; }
}

/// <summary>Signs with the primary version.</summary>
internal static class SignEndpoint
{
    public static async Task Handle(RestExchange exchange)
    {
        var id = await exchange.RouteKey();
        var body = await exchange.ReadJson(RestJson.Default.SignBody, SizeLimits.BatchBody);
        if (body.Items is { } items)
        {
            await SignItems(exchange, id, body, items);
            return;
        }

        var signed = await Signing.Sign(exchange, id, body.ToItem());
        await exchange.Answer(
            new SignAnswer { KeyId = id, KeyVersion = signed.KeyVersion, Algorithm = signed.Algorithm, Signature = signed.Value },
            RestJson.Default.SignAnswer);
    }

    private static async Task SignItems(RestExchange exchange, string id, SignBody body, SignItemBody[] items)
    {
        if (body.IsGiven)
        {
            throw KmsError.InvalidRequest.Exception("'items' must be alone: the other fields belong into each item.");
        }

        Items.Check(items, i => i.CountedBytes, i => i.Reference);
        var results = await Signing.SignMany(exchange, id, Array.ConvertAll(items, i => i.ToItem()));
        await Items.Answer(exchange, items, results, (i, value) => ItemAnswer.Of(i.Reference, id, value));
    }
}

using System.Text.Json.Serialization;
using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Cryptography;

/// <summary>One MAC to verify, or <c>items</c> of them.</summary>
internal sealed class VerifyMacBody
{
    /// <summary>The message, up to the operator's limit (<see cref="KmsLimits.DefaultPlaintextBytes"/> by default); it may be empty.</summary>
    public byte[]? Message { get; set; }

    /// <summary>The whole MAC; a truncated one is refused.</summary>
    public byte[]? Mac { get; set; }

    /// <summary>The version that must have made it; by default every enabled one from min_decrypt_version on is tried, the newest first.</summary>
    [JsonPropertyName("key_version")]
    public int? KeyVersion { get; set; }

    /// <summary>1 to <see cref="KmsLimits.BatchItems"/> MACs, whose messages have <see cref="KmsLimits.BatchBytes"/> together, instead of one.</summary>
    public VerifyMacItemBody[]? Items { get; set; }
}

/// <summary>One MAC of a batch.</summary>
internal sealed class VerifyMacItemBody : IReferenced
{
    /// <summary>The message, up to the operator's limit (<see cref="KmsLimits.DefaultPlaintextBytes"/> by default); it may be empty.</summary>
    [JsonRequired]
    public byte[] Message { get; set; } = [];

    /// <summary>The whole MAC; a truncated one is refused.</summary>
    [JsonRequired]
    public byte[] Mac { get; set; } = [];

    /// <summary>The version that must have made it; by default every one that may is tried.</summary>
    [JsonPropertyName("key_version")]
    public int? KeyVersion { get; set; }

    /// <summary>The caller's own label, repeated in the result; up to <see cref="KmsLimits.ReferenceLength"/> characters.</summary>
    public string? Reference { get; set; }
}

/// <summary>Verifies MACs. One that is not valid is an answer, not an error.</summary>
internal static class VerifyMacEndpoint
{
    public static async Task Handle(RestExchange exchange)
    {
        var id = await exchange.RouteKey();
        var body = await exchange.ReadJson(RestJson.Default.VerifyMacBody, SizeLimits.BatchBody);
        if (body.Items is { } items)
        {
            await VerifyItems(exchange, id, body, items);
            return;
        }

        var item = new VerifyMacItem(Fields.Require(body.Message, "message"), Fields.Require(body.Mac, "mac"), body.KeyVersion);
        var verified = await Macs.Verify(exchange, id, item);
        await exchange.Answer(
            new VerifyAnswer { KeyId = id, Valid = verified.IsValid, KeyVersion = verified.KeyVersion }, RestJson.Default.VerifyAnswer);
    }

    private static async Task VerifyItems(RestExchange exchange, string id, VerifyMacBody body, VerifyMacItemBody[] items)
    {
        if (body.Message is not null || body.Mac is not null || body.KeyVersion is not null)
        {
            throw KmsError.InvalidRequest.Exception("'items' must be alone: the other fields belong into each item.");
        }

        Items.Check(items, i => i.Message.Length, i => i.Reference);
        var results = await Macs.VerifyMany(exchange, id, Array.ConvertAll(items, i => new VerifyMacItem(i.Message, i.Mac, i.KeyVersion)));
        await Items.Answer(exchange, items, results, (i, value) => ItemAnswer.Of(i.Reference, id, value));
    }
}

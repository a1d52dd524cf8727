using System.Text.Json.Serialization;
using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Cryptography;

/// <summary>One message, or <c>items</c> of them.</summary>
internal sealed class MacBody
{
    /// <summary>The message, up to the operator's limit (<see cref="KmsLimits.DefaultPlaintextBytes"/> by default); it may be empty.</summary>
    public byte[]? Message { get; set; }

    /// <summary>1 to <see cref="KmsLimits.BatchItems"/> messages, <see cref="KmsLimits.BatchBytes"/> together, instead of one.</summary>
    public MacItemBody[]? Items { get; set; }
}

/// <summary>One message of a batch.</summary>
internal sealed class MacItemBody : IReferenced
{
    /// <summary>The message, up to the operator's limit (<see cref="KmsLimits.DefaultPlaintextBytes"/> by default); it may be empty.</summary>
    [JsonRequired]
    public byte[] Message { get; set; } = [];

    /// <summary>The caller's own label, repeated in the result; up to <see cref="KmsLimits.ReferenceLength"/> characters.</summary>
    public string? Reference { get; set; }
}

/// <summary>A MAC.</summary>
internal sealed class MacAnswer
{
    /// <summary>The key.</summary>
    [JsonPropertyName("key_id")]
    public required string KeyId { get; init; }

    /// <summary>The version that made it.</summary>
    [JsonPropertyName("key_version")]
    public required int KeyVersion { get; init; }

    /// <summary>The MAC, as long as the key's hash.</summary>
    public required byte[] Mac { get; init; }
}

/// <summary>Makes MACs with the primary version.</summary>
internal static class MacEndpoint
{
    public static async Task Handle(RestExchange exchange)
    {
        var id = await exchange.RouteKey();
        var body = await exchange.ReadJson(RestJson.Default.MacBody, SizeLimits.BatchBody);
        if (body.Items is { } items)
        {
            await MacItems(exchange, id, body, items);
            return;
        }

        var made = await Macs.Generate(exchange, id, new(Fields.Require(body.Message, "message")));
        await exchange.Answer(new MacAnswer { KeyId = id, KeyVersion = made.KeyVersion, Mac = made.Mac }, RestJson.Default.MacAnswer);
    }

    private static async Task MacItems(RestExchange exchange, string id, MacBody body, MacItemBody[] items)
    {
        if (body.Message is not null)
        {
            throw KmsError.InvalidRequest.Exception("'items' must be alone: the other fields belong into each item.");
        }

        Items.Check(items, i => i.Message.Length, i => i.Reference);
        var results = await Macs.GenerateMany(exchange, id, Array.ConvertAll(items, i => new MacItem(i.Message)));
        await Items.Answer(exchange, items, results, (i, value) => ItemAnswer.Of(i.Reference, id, value));
    }
}

using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Cryptography;

/// <summary>Re-encrypts ciphertexts under the primary version; the plaintext stays in the grain.</summary>
internal static class RewrapEndpoint
{
    public static async Task Handle(RestExchange exchange)
    {
        var id = await exchange.RouteKey();
        var body = await exchange.ReadJson(RestJson.Default.DecryptBody, SizeLimits.BatchBody);
        if (body.Items is { } items)
        {
            await RewrapItems(exchange, id, body, items);
            return;
        }

        var rewrapped = await Encryption.Rewrap(exchange, id, Fields.Require(body.Ciphertext, "ciphertext"), body.AssociatedData);
        await EncryptEndpoint.Answer(exchange, id, rewrapped);
    }

    private static async Task RewrapItems(RestExchange exchange, string id, DecryptBody body, DecryptItemBody[] items)
    {
        DecryptEndpoint.CheckItems(body, items);
        var results = await Encryption.RewrapMany(exchange, id, DecryptEndpoint.ToMessages(items));
        await Items.Answer(exchange, items, results, (i, value) => ItemAnswer.Of(i.Reference, id, value));
    }
}

using OrleansKms.Gateway.Http;
using OrleansKms.Gateway.Json;
using OrleansKms.Gateway.Limits;

namespace OrleansKms.Gateway.Endpoints.Cryptography;

/// <summary>Encrypts ciphertexts again under the primary version; the plaintext stays in the grain.</summary>
internal static class RewrapEndpoint
{
    public static async Task Handle(Exchange exchange)
    {
        var id = await exchange.RouteKey();
        var body = await exchange.ReadJson(GatewayJson.Default.DecryptBody, SizeLimits.BatchBody);
        if (body.Items is { } items)
        {
            await RewrapItems(exchange, id, body, items);
            return;
        }

        var rewrapped = await Rewrap(exchange, id, Fields.Require(body.Ciphertext, "ciphertext"), body.AssociatedData);
        await EncryptEndpoint.Answer(exchange, id, rewrapped);
    }

    /// <summary>Rewraps one ciphertext.</summary>
    public static ValueTask<Encrypted> Rewrap(Exchange exchange, string id, byte[] ciphertext, byte[]? associatedData)
    {
        Fields.Refuse(Fields.CheckCiphertext(ciphertext, associatedData));
        return exchange.InTime(exchange.Key(id).Rewrap(new Decrypt(exchange.Caller, ciphertext, associatedData)));
    }

    private static async Task RewrapItems(Exchange exchange, string id, DecryptBody body, DecryptItemBody[] items)
    {
        DecryptEndpoint.CheckItems(body, items);
        var key = exchange.Key(id);
        var results = await Items.Run(
            exchange,
            items,
            (_, i) => Fields.CheckCiphertext(i.Ciphertext, i.AssociatedData),
            i => new DecryptItem(i.Ciphertext, i.AssociatedData),
            good => exchange.InTime(key.RewrapBatch(new DecryptBatch(exchange.Caller, good))),
            (i, value) => ItemAnswer.Of(i.Reference, id, value));
        await exchange.Answer(new BatchAnswer { Results = results }, GatewayJson.Default.BatchAnswer);
    }
}

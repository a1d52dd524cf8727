using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Admin;

/// <summary>Destroys a key-encryption key that no row needs.</summary>
internal static class DestroyKekEndpoint
{
    public static async Task Handle(RestExchange exchange)
    {
        await exchange.ReadOptionalJson(RestJson.Default.EmptyBody, SizeLimits.ControlBody);
        var kek = await KekCommands.Destroy(exchange, exchange.RouteValue("id"));
        await exchange.Answer(KekAnswer.Of(kek), RestJson.Default.KekAnswer);
    }
}

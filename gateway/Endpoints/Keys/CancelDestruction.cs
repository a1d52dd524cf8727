using OrleansKms.Gateway.Http;
using OrleansKms.Gateway.Json;
using OrleansKms.Gateway.Limits;

namespace OrleansKms.Gateway.Endpoints.Keys;

/// <summary>Takes the destruction of a version back.</summary>
internal static class CancelDestructionEndpoint
{
    public static async Task Handle(Exchange exchange)
    {
        var id = await exchange.RouteKey();
        var version = VersionInRoute.Read(exchange);
        await exchange.ReadOptionalJson(GatewayJson.Default.EmptyBody, SizeLimits.ControlBody);
        var key = await VersionDestruction.Call(
            exchange, id, versions => versions.CancelDestruction(new(exchange.Caller, version)));
        await exchange.Answer(KeyAnswer.Of(key), GatewayJson.Default.KeyAnswer);
    }
}

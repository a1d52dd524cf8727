using OrleansKms.Gateway.Http;
using OrleansKms.Gateway.Json;
using OrleansKms.Gateway.Limits;

namespace OrleansKms.Gateway.Endpoints.Keys;

/// <summary>Makes a disabled version usable again.</summary>
internal static class EnableVersionEndpoint
{
    public static async Task Handle(Exchange exchange)
    {
        var id = await exchange.RouteKey();
        var version = VersionInRoute.Read(exchange);
        await exchange.ReadOptionalJson(GatewayJson.Default.EmptyBody, SizeLimits.ControlBody);
        var key = await exchange.InTime(exchange.Key(id).EnableVersion(new KeyVersionCommand(exchange.Caller, version)));
        await exchange.Answer(KeyAnswer.Of(key), GatewayJson.Default.KeyAnswer);
    }
}

using OrleansKms.Gateway.Http;
using OrleansKms.Gateway.Json;
using OrleansKms.Gateway.Limits;

namespace OrleansKms.Gateway.Endpoints.Keys;

/// <summary>Makes one version unusable until it is enabled.</summary>
internal static class DisableVersionEndpoint
{
    public static async Task Handle(Exchange exchange)
    {
        var id = await exchange.RouteKey();
        var version = VersionInRoute.Read(exchange);
        await exchange.ReadOptionalJson(GatewayJson.Default.EmptyBody, SizeLimits.ControlBody);
        var key = await exchange.InTime(exchange.Key(id).DisableVersion(new KeyVersionCommand(exchange.Caller, version)));
        await exchange.Answer(KeyAnswer.Of(key), GatewayJson.Default.KeyAnswer);
    }
}

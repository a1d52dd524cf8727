using OrleansKms.Gateway.Http;
using OrleansKms.Gateway.Json;
using OrleansKms.Gateway.Limits;

namespace OrleansKms.Gateway.Endpoints.Keys;

/// <summary>Makes a key unusable until it is enabled.</summary>
internal static class DisableKeyEndpoint
{
    public static async Task Handle(Exchange exchange)
    {
        var id = await exchange.RouteKey();
        await exchange.ReadOptionalJson(GatewayJson.Default.EmptyBody, SizeLimits.ControlBody);
        var key = await exchange.InTime(exchange.Key(id).Disable(new KeyCommand(exchange.Caller)));
        await exchange.Answer(KeyAnswer.Of(key), GatewayJson.Default.KeyAnswer);
    }
}

using OrleansKms.Gateway.Http;
using OrleansKms.Gateway.Json;

namespace OrleansKms.Gateway.Endpoints.Keys;

/// <summary>Describes a key.</summary>
internal static class DescribeKeyEndpoint
{
    public static async Task Handle(Exchange exchange)
    {
        var id = await exchange.RouteKey();
        var key = await exchange.InTime(exchange.Key(id).Describe(new KeyCommand(exchange.Caller)));
        await exchange.Answer(KeyAnswer.Of(key), GatewayJson.Default.KeyAnswer);
    }
}

using OrleansKms.Gateway.Http;
using OrleansKms.Gateway.Json;

namespace OrleansKms.Gateway.Endpoints.Aliases;

/// <summary>Tells what an alias stands for.</summary>
internal static class DescribeAliasEndpoint
{
    public static async Task Handle(Exchange exchange)
    {
        var name = AliasInRoute.Read(exchange);
        var alias = await AliasInRoute.Grain(exchange, name).Resolve(new AliasCommand(exchange.Caller));
        await exchange.Answer(AliasAnswer.Of(alias), GatewayJson.Default.AliasAnswer);
    }
}

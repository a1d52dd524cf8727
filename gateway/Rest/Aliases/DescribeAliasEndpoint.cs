using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Aliases;

/// <summary>Tells what an alias stands for.</summary>
internal static class DescribeAliasEndpoint
{
    public static async Task Handle(RestExchange exchange)
    {
        var name = AliasInRoute.Read(exchange);
        var alias = await AliasCommands.Describe(exchange, name);
        await exchange.Answer(AliasAnswer.Of(alias), RestJson.Default.AliasAnswer);
    }
}

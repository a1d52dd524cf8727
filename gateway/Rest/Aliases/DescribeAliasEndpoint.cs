using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Aliases;

/// <summary>Returns the key that an alias stands for.</summary>
internal static class DescribeAliasEndpoint
{
    public static async Task Handle(RestExchange exchange)
    {
        var name = AliasInRoute.Read(exchange);
        if (!exchange.IsAllowedAnywhere(KmsOperation.DescribeAlias)) await exchange.ResolveAlias(name, KmsOperation.DescribeAlias);
        await exchange.Count(KmsOperation.DescribeAlias, null, 1);
        var alias = await AliasCommands.Describe(exchange, name);
        await exchange.Answer(AliasAnswer.Of(alias), RestJson.Default.AliasAnswer);
    }
}

using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Aliases;

/// <summary>Removes an alias; the key stays.</summary>
internal static class RemoveAliasEndpoint
{
    public static async Task Handle(RestExchange exchange)
    {
        var name = AliasInRoute.Read(exchange);
        if (!exchange.IsAllowedAnywhere(KmsOperation.RemoveAlias)) await exchange.ResolveAlias(name, KmsOperation.RemoveAlias);
        await exchange.Count(KmsOperation.RemoveAlias, null, 1);
        await AliasCommands.Remove(exchange, name);
        await exchange.AnswerNothing();
    }
}

using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Aliases;

/// <summary>Removes an alias; the key stays.</summary>
internal static class RemoveAliasEndpoint
{
    public static async Task Handle(RestExchange exchange)
    {
        var name = AliasInRoute.Read(exchange);
        await AliasCommands.Remove(exchange, name);
        await exchange.AnswerNothing();
    }
}

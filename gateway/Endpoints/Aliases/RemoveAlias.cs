using OrleansKms.Gateway.Http;

namespace OrleansKms.Gateway.Endpoints.Aliases;

/// <summary>Removes an alias; the key stays.</summary>
internal static class RemoveAliasEndpoint
{
    public static async Task Handle(Exchange exchange)
    {
        var name = AliasInRoute.Read(exchange);
        await AliasInRoute.Grain(exchange, name).Remove(new AliasCommand(exchange.Caller));
        await exchange.AnswerNothing();
    }
}

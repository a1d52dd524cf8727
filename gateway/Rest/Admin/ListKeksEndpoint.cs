using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Admin;

/// <summary>Lists the key-encryption keys and the progress of resealing.</summary>
internal static class ListKeksEndpoint
{
    public static async Task Handle(RestExchange exchange)
    {
        var keks = await KekCommands.List(exchange);
        await exchange.Answer(new ListKeksAnswer { Keks = Array.ConvertAll(keks, KekAnswer.Of) }, RestJson.Default.ListKeksAnswer);
    }
}

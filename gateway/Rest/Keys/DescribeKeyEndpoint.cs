using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Keys;

/// <summary>Describes a key.</summary>
internal static class DescribeKeyEndpoint
{
    public static async Task Handle(RestExchange exchange)
    {
        var id = await exchange.RouteKey();
        var key = await KeyCommands.Describe(exchange, id);
        await exchange.Answer(KeyAnswer.Of(key), RestJson.Default.KeyAnswer);
    }
}

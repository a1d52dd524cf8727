namespace OrleansKms.Gateway.Rest.Service;

/// <summary>Returns the OpenAPI document.</summary>
internal static class OpenApiEndpoint
{
    public static async Task Handle(RestExchange exchange) =>
        await exchange.AnswerBytes(await exchange.Rest.Document.Read(), "application/json");
}

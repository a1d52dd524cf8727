namespace OrleansKms.Gateway.Rest.Service;

/// <summary>Answers the OpenAPI document.</summary>
internal static class OpenApiEndpoint
{
    public static async Task Handle(RestExchange exchange) =>
        await exchange.AnswerBytes(await exchange.Rest.Document.Read(), "application/json");
}

using OrleansKms.Gateway.Http;

namespace OrleansKms.Gateway.Endpoints.Operation;

/// <summary>Answers the OpenAPI document.</summary>
internal static class OpenApiEndpoint
{
    public static async Task Handle(Exchange exchange) =>
        await exchange.AnswerBytes(await exchange.Services.Document.Read(), "application/json");
}

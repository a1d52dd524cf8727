using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Admin;

/// <summary>Creates a new key-encryption key, under which all rows are resealed.</summary>
internal static class RotateKekEndpoint
{
    public static async Task Handle(RestExchange exchange)
    {
        await exchange.ReadOptionalJson(RestJson.Default.EmptyBody, SizeLimits.ControlBody);
        var kek = await KekCommands.Rotate(exchange);
        await exchange.Answer(KekAnswer.Of(kek), RestJson.Default.KekAnswer);
    }
}

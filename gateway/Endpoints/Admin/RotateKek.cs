using OrleansKms.Gateway.Http;
using OrleansKms.Gateway.Json;
using OrleansKms.Gateway.Limits;

namespace OrleansKms.Gateway.Endpoints.Admin;

/// <summary>Makes a new key-encryption key, under which all rows are sealed anew.</summary>
internal static class RotateKekEndpoint
{
    public static async Task Handle(Exchange exchange)
    {
        await exchange.ReadOptionalJson(GatewayJson.Default.EmptyBody, SizeLimits.ControlBody);
        var kek = await exchange.Services.Grains.GetGrain<IKekRingGrain>(IKekRingGrain.Key).Rotate(new KekCommand(exchange.Caller, exchange.Proof));
        await exchange.Answer(KekAnswer.Of(kek), GatewayJson.Default.KekAnswer);
    }
}

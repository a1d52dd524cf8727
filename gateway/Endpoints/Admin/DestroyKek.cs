using OrleansKms.Gateway.Http;
using OrleansKms.Gateway.Json;
using OrleansKms.Gateway.Limits;

namespace OrleansKms.Gateway.Endpoints.Admin;

/// <summary>Destroys a key-encryption key that no row needs any more.</summary>
internal static class DestroyKekEndpoint
{
    public static async Task Handle(Exchange exchange)
    {
        await exchange.ReadOptionalJson(GatewayJson.Default.EmptyBody, SizeLimits.ControlBody);
        var kek = await exchange.Services.Grains.GetGrain<IKekRingGrain>(IKekRingGrain.Key)
            .Destroy(new DestroyKek(exchange.Caller, exchange.RouteValue("id"), exchange.Proof));
        await exchange.Answer(KekAnswer.Of(kek), GatewayJson.Default.KekAnswer);
    }
}

using OrleansKms.Gateway.Http;
using OrleansKms.Gateway.Json;

namespace OrleansKms.Gateway.Endpoints.Admin;

/// <summary>Lists the key-encryption keys and how far their rows have been sealed anew.</summary>
internal static class ListKeksEndpoint
{
    public static async Task Handle(Exchange exchange)
    {
        var keks = await exchange.Services.Grains.GetGrain<IKekRingGrain>(IKekRingGrain.Key).List(new KekCommand(exchange.Caller, exchange.Proof));
        await exchange.Answer(new ListKeksAnswer { Keks = Array.ConvertAll(keks, KekAnswer.Of) }, GatewayJson.Default.ListKeksAnswer);
    }
}

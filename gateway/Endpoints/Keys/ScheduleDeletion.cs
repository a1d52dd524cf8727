using OrleansKms.Gateway.Http;
using OrleansKms.Gateway.Json;
using OrleansKms.Gateway.Limits;

namespace OrleansKms.Gateway.Endpoints.Keys;

/// <summary>When a key is to end.</summary>
internal sealed class ScheduleDeletionBody
{
    /// <summary>How long from now (ISO 8601), 24 hours or the operator's least, to 365 days; by default P30D.</summary>
    public string? After { get; set; }
}

/// <summary>Makes a key unusable now and erases its material later.</summary>
internal static class ScheduleDeletionEndpoint
{
    public static async Task Handle(Exchange exchange)
    {
        var id = await exchange.RouteKey();
        var body = await exchange.ReadOptionalJson(GatewayJson.Default.ScheduleDeletionBody, SizeLimits.ControlBody);
        var after = body.After is null ? KmsLimits.DefaultDeletionDelay : Durations.Parse(body.After, "after");
        var key = await exchange.InTime(exchange.Key(id).ScheduleDeletion(new ScheduleDeletion(exchange.Caller, after)));
        await exchange.Answer(KeyAnswer.Of(key), GatewayJson.Default.KeyAnswer);
    }
}

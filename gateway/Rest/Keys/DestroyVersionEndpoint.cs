using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Keys;

/// <summary>When to destroy a version.</summary>
internal sealed class DestroyVersionBody
{
    /// <summary>
    /// How long from now (ISO 8601): from the operator's minimum (24 hours by default) to 365 days; P7D by default, or the
    /// operator's minimum if that is longer. A version that waits already keeps its time unless another is given.
    /// </summary>
    public string? After { get; set; }
}

/// <summary>Makes a version unusable now and erases its material later.</summary>
internal static class DestroyVersionEndpoint
{
    public static async Task Handle(RestExchange exchange)
    {
        var id = await exchange.RouteKey();
        var version = VersionInRoute.Read(exchange);
        var body = await exchange.ReadOptionalJson(RestJson.Default.DestroyVersionBody, SizeLimits.ControlBody);
        var after = body.After is null ? (TimeSpan?)null : Durations.Parse(body.After, "after");
        var key = await VersionDestruction.Schedule(exchange, id, version, after);
        await exchange.Answer(KeyAnswer.Of(key), RestJson.Default.KeyAnswer);
    }
}

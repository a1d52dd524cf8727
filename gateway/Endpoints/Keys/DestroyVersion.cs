using OrleansKms.Gateway.Http;
using OrleansKms.Gateway.Json;
using OrleansKms.Gateway.Limits;

namespace OrleansKms.Gateway.Endpoints.Keys;

/// <summary>When a version is to end.</summary>
internal sealed class DestroyVersionBody
{
    /// <summary>
    /// How long from now (ISO 8601), 24 hours or the operator's least, to 365 days; by default P7D, or the operator's least if that is
    /// longer. A version that waits already keeps its time unless another is given.
    /// </summary>
    public string? After { get; set; }
}

/// <summary>Makes a version unusable now and erases its material later.</summary>
internal static class DestroyVersionEndpoint
{
    public static async Task Handle(Exchange exchange)
    {
        var id = await exchange.RouteKey();
        var version = VersionInRoute.Read(exchange);
        var body = await exchange.ReadOptionalJson(GatewayJson.Default.DestroyVersionBody, SizeLimits.ControlBody);
        var after = body.After is null ? (TimeSpan?)null : Durations.Parse(body.After, "after");
        var key = await VersionDestruction.Call(
            exchange, id, versions => versions.ScheduleDestruction(new(exchange.Caller, version, after)));
        await exchange.Answer(KeyAnswer.Of(key), GatewayJson.Default.KeyAnswer);
    }
}

/// <summary>Calls of what silos have learnt since feature level 3.</summary>
internal static class VersionDestruction
{
    /// <summary>Makes the call.</summary>
    /// <exception cref="KmsException">conflict: a silo of an older program is in the way, and nothing was done.</exception>
    public static async Task<KeyDescription> Call(Exchange exchange, string id, Func<IKeyVersionsGrain, Task<KeyDescription>> call)
    {
        try
        {
            return await exchange.InTime(call(exchange.Services.Grains.GetGrain<IKeyVersionsGrain>(id)));
        }
        catch (Exception e) when (e is ArgumentException or TypeLoadException)
        {
            // No silo has it, or the one that the call went through has not.
            throw KmsError.Conflict.Exception("Versions can be destroyed once every silo is upgraded; nothing was done.");
        }
    }
}

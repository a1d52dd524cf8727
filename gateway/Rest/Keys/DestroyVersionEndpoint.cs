using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Keys;

/// <summary>When to destroy a version.</summary>
internal sealed class DestroyVersionBody
{
    /// <summary>
    /// How long from now (ISO 8601): from the operator's minimum (<see cref="OrleansKms.Configuration.SettingTable.MinDeletionDelay"/> by default) to
    /// <see cref="KmsLimits.MaxDeletionDelay"/>; <see cref="KmsLimits.DefaultDestructionDelay"/> by default, or the operator's minimum if
    /// that is longer. A pending destruction keeps its time unless another is given.
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

using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Keys;

/// <summary>When to delete a key.</summary>
internal sealed class ScheduleDeletionBody
{
    /// <summary>
    /// How long from now (ISO 8601): from the operator's minimum (<see cref="OrleansKms.Configuration.SettingTable.MinDeletionDelay"/> by default) to
    /// <see cref="KmsLimits.MaxDeletionDelay"/>; <see cref="KmsLimits.DefaultDeletionDelay"/> by default.
    /// </summary>
    public string? After { get; set; }
}

/// <summary>Makes a key unusable now and erases its material later.</summary>
internal static class ScheduleDeletionEndpoint
{
    public static async Task Handle(RestExchange exchange)
    {
        var id = await exchange.RouteKey();
        var body = await exchange.ReadOptionalJson(RestJson.Default.ScheduleDeletionBody, SizeLimits.ControlBody);
        var after = body.After is null ? (TimeSpan?)null : Durations.Parse(body.After, "after");
        var key = await KeyCommands.ScheduleDeletion(exchange, id, after);
        await exchange.Answer(KeyAnswer.Of(key), RestJson.Default.KeyAnswer);
    }
}

namespace OrleansKms.Gateway.Operations;

/// <summary>Commands for the limits of namespaces.</summary>
internal static class NamespaceCommands
{
    /// <summary>Replaces them. They apply in this gateway once it has answered, and in the others within seconds.</summary>
    public static async Task<NamespaceLimits> Set(Call call, string prefix, LimitRule[] limits)
    {
        var set = await Grain(call).Set(new(call.Caller, prefix, call.Proof) { Limits = limits });
        await call.Services.Namespaces.Fetch(CancellationToken.None);
        return set;
    }

    /// <summary>Returns them.</summary>
    public static Task<NamespaceLimits> Describe(Call call, string prefix) => Grain(call).Describe(new(call.Caller, prefix));

    /// <summary>Removes them.</summary>
    public static async Task Remove(Call call, string prefix)
    {
        await Grain(call).Remove(new(call.Caller, prefix, call.Proof));
        await call.Services.Namespaces.Fetch(CancellationToken.None);
    }

    private static INamespaceLimitsGrain Grain(Call call) => call.Services.Grains.GetGrain<INamespaceLimitsGrain>(INamespaceLimitsGrain.Key);
}

namespace OrleansKms.Gateway.Operations;

/// <summary>Names that stand for keys.</summary>
internal static class AliasCommands
{
    /// <summary>Tells what an alias stands for.</summary>
    public static ValueTask<AliasDescription> Describe(Call call, string name) => Alias(call, name).Resolve(new(call.Caller));

    /// <summary>Makes an alias, or points it at another key.</summary>
    public static Task<AliasDescription> Point(Call call, string name, string key) =>
        call.InTime(Alias(call, name).Point(new(call.Caller, key)));

    /// <summary>Removes an alias; the key stays.</summary>
    public static Task Remove(Call call, string name) => Alias(call, name).Remove(new(call.Caller));

    private static IAliasGrain Alias(Call call, string name) => call.Services.Aliases.Of(name);
}

namespace OrleansKms.Gateway.Operations;

/// <summary>Commands for aliases.</summary>
internal static class AliasCommands
{
    /// <summary>Returns the key that an alias stands for.</summary>
    /// <param name="call">The request.</param>
    /// <param name="name">The alias.</param>
    /// <param name="isStep">Whether it is a step of a listing, which is itself recorded.</param>
    public static ValueTask<AliasDescription> Describe(Call call, string name, bool isStep = false) =>
        Alias(call, name).Resolve(new(call.Caller) { IsStep = isStep });

    /// <summary>Creates an alias, or points it at another key.</summary>
    public static Task<AliasDescription> Point(Call call, string name, string key) =>
        call.InTime(Alias(call, name).Point(new(call.Caller, key)));

    /// <summary>Removes an alias; the key stays.</summary>
    public static Task Remove(Call call, string name) => Alias(call, name).Remove(new(call.Caller));

    private static IAliasGrain Alias(Call call, string name) => call.Services.Aliases.Of(name);
}

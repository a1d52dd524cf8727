namespace OrleansKms.Gateway.Operations;

/// <summary>Commands for policies.</summary>
internal static class PolicyCommands
{
    private const string NotYet = "Policies can be used only once every silo is upgraded; nothing was done.";

    /// <summary>Sets a key's own policy.</summary>
    public static Task<Policy> SetOfKey(Call call, string key, byte[] statements) =>
        Ask(call, () => OfKey(call, key).SetPolicy(new(call.Caller, statements)));

    /// <summary>Returns a key's own policy.</summary>
    public static Task<Policy> DescribeOfKey(Call call, string key) => Ask(call, () => OfKey(call, key).DescribePolicy(new(call.Caller)));

    /// <summary>Removes a key's own policy.</summary>
    public static Task RemoveOfKey(Call call, string key) => Ask(call, async () =>
    {
        await OfKey(call, key).RemovePolicy(new(call.Caller));
        return true;
    });

    /// <summary>Creates or replaces a policy.</summary>
    public static Task<Policy> Put(Call call, string name, byte[] statements) =>
        Ask(call, () => PrincipalCommands.Changed(call, Policies(call).Put(new(call.Caller, name, statements, call.Proof))));

    /// <summary>Reads a policy.</summary>
    public static Task<Policy> Describe(Call call, string name) => Ask(call, () => Policies(call).Describe(new(call.Caller, name)));

    /// <summary>Reads one page of policies.</summary>
    public static Task<PolicyPage> List(Call call, string prefix, string? after, int limit) =>
        Ask(call, () => Policies(call).List(new(call.Caller, prefix, after, limit)));

    /// <summary>Deletes a policy.</summary>
    public static Task Delete(Call call, string name) => Ask(call, async () =>
    {
        await Policies(call).Delete(new(call.Caller, name, call.Proof));
        return true;
    });

    /// <summary>Explains what policies would decide.</summary>
    public static Task<SimulatedAccess> Simulate(Call call, SimulateAccess request) => Ask(call, () => Policies(call).Simulate(request));

    private static IPoliciesGrain Policies(Call call) => call.Services.Grains.GetGrain<IPoliciesGrain>(IPoliciesGrain.Key);

    private static IKeyPolicyGrain OfKey(Call call, string key) => call.Services.Grains.GetGrain<IKeyPolicyGrain>(key);

    private static async Task<T> Ask<T>(Call call, Func<Task<T>> ask)
    {
        try
        {
            return await call.InTime(ask());
        }
        catch (Exception e) when (e is ArgumentException or TypeLoadException)
        {
            // No silo has it, or the one that the call went through does not.
            throw KmsError.Conflict.Exception(NotYet);
        }
    }
}

namespace OrleansKms.Gateway.Operations;

/// <summary>Dual control of keys for which the caller is authorized. Silos have these methods since feature level 4.</summary>
internal static class ApprovalCommands
{
    /// <summary>Creates a key with a rule or limits.</summary>
    public static Task<KeyDescription> Create(Call call, string key, CreateKey request) => Ask(call, key, grain => grain.Create(request));

    /// <summary>Changes a key's rule or limits, and any other fields named.</summary>
    public static Task<KeyDescription> Update(Call call, string key, UpdateKey request) => Ask(call, key, grain => grain.Update(request));

    /// <summary>The approvals of a key, oldest first.</summary>
    /// <param name="call">The request.</param>
    /// <param name="key">The key.</param>
    /// <param name="state">Only those in this state; null for all.</param>
    /// <param name="isPart">Whether it is part of a list over all keys.</param>
    public static Task<ApprovalDescription[]> List(Call call, string key, ApprovalState? state, bool isPart) =>
        Ask(call, key, grain => grain.List(new(call.Caller, state) { IsPart = isPart }));

    /// <summary>Describes one.</summary>
    public static Task<ApprovalDescription> Describe(Call call, string key, string approval) =>
        Ask(call, key, grain => grain.Describe(new(call.Caller, approval)));

    /// <summary>Approves.</summary>
    public static Task<ApprovalDescription> Approve(Call call, string key, string approval) =>
        Ask(call, key, grain => grain.Approve(new(call.Caller, approval)));

    /// <summary>Rejects.</summary>
    public static Task<ApprovalDescription> Reject(Call call, string key, string approval) =>
        Ask(call, key, grain => grain.Reject(new(call.Caller, approval)));

    /// <summary>Withdraws.</summary>
    public static Task<ApprovalDescription> Cancel(Call call, string key, string approval) =>
        Ask(call, key, grain => grain.Cancel(new(call.Caller, approval)));

    /// <summary>One page of the keys that have approvals.</summary>
    public static Task<DirectoryPage> ListKeys(Call call, string? after, bool onlyPending) => New(() => call.Within(
        call.Services.Grains.GetGrain<IApprovalsDirectoryGrain>(IApprovalsDirectoryGrain.Key)
            .ListKeys(new(call.Caller, after, KmsLimits.PageItems, onlyPending))));

    private static Task<T> Ask<T>(Call call, string key, Func<IKeyApprovalsGrain, Task<T>> ask) =>
        New(() => call.InTime(ask(call.Services.Grains.GetGrain<IKeyApprovalsGrain>(key))));

    private static async Task<T> New<T>(Func<Task<T>> ask)
    {
        try
        {
            return await ask();
        }
        catch (Exception e) when (e is ArgumentException or TypeLoadException)
        {
            // No silo has it, or the one that the call went through does not.
            throw KmsError.Conflict.Exception("Keys can have limits and dual control only once every silo is upgraded; nothing was done.");
        }
    }
}

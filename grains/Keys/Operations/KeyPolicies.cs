using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>The key's own policy.</summary>
internal static class KeyPolicies
{
    // This answers no caller, so it is not recorded.
    public static async Task<KeyFacts> ReadFacts(KeyActivation key) => (await key.Gate.TryRun(
        async () =>
        {
            var row = await key.Load();
            return new KeyFacts(row.Spec, row.Protection) { Usage = row.Usage };
        },
        isRepeatable: true)).AnswerOrThrow();

    // Likewise: the request for the simulation has been recorded.
    public static async Task<KeyAccess> Simulate(KeyActivation key, SimulateAccess request) => (await key.Gate.TryRun(
        async () =>
        {
            var row = await key.Load();
            var facts = new KeyFacts(row.Spec, row.Protection);
            return new KeyAccess(facts, key.Policy.Simulate(request, facts));
        },
        isRepeatable: true)).AnswerOrThrow();

    public static async Task<Policy> Set(KeyActivation key, SetKeyPolicy request)
    {
        await GuardedChange.Run(key, request.Caller, KmsOperation.SetKeyPolicy, operation => operation with { Policy = request.Statements ?? [] });
        return new Policy(key.Id, PolicyText.Read(request.Statements, isOfKey: true));
    }

    public static Task<Policy> Describe(KeyActivation key, KeyCommand request) => key.Gate.Run(
        KeyGate.Enter(KmsOperation.DescribeKeyPolicy, request.Caller),
        async () => (await key.Load()).Policy is { } statements
            ? new Policy(key.Id, statements)
            : throw KmsError.PolicyNotFound.Exception(),
        isRepeatable: true);

    public static Task Remove(KeyActivation key, KeyCommand request) => GuardedChange.Run(key, request.Caller, KmsOperation.RemoveKeyPolicy);
}

/// <summary>Sets the key's own policy.</summary>
internal sealed class KeyPolicyChange(RequestedOperation request) : KeyChange(request)
{
    private PolicyStatement[] _statements = [];

    /// <inheritdoc/>
    public override Task Begin(KeyActivation key)
    {
        _statements = PolicyText.Read(Request.Policy, isOfKey: true);

        // A silo of an older version ignores a policy, and writes the key without it.
        key.Services.RequireLevel4("Policies of keys");
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public override KeyRow Apply(KeyActivation key, KeyRow row)
    {
        var next = KeyChanges.SetPolicy(row, _statements);
        ApprovalDeadlock.Check(key.Id, row, next);
        return next;
    }
}

/// <summary>Removes the key's own policy.</summary>
internal sealed class KeyPolicyRemoval(RequestedOperation request) : KeyChange(request)
{
    /// <inheritdoc/>
    public override KeyRow Apply(KeyActivation key, KeyRow row)
    {
        var without = KeyChanges.SetPolicy(row, null);
        return row.Policy is null ? throw KmsError.PolicyNotFound.Exception() : without;
    }
}

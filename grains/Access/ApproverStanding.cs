using OrleansKms.Grains.Keys;

namespace OrleansKms.Grains.Access;

/// <summary>
/// Reads whether an approver still stands. Conditions were judged when he approved: what is left is whether any statement gives him the
/// right, and none takes it away whatever the circumstances.
/// </summary>
internal sealed class ApproverStanding(AccessFacts facts) : IApproverStanding
{
    /// <inheritdoc/>
    public async ValueTask<bool> MayApprove(string principal, string keyId)
    {
        if (principal == CompiledPolicies.Unbound) return true;
        if (await facts.FindNamed(principal) is not { IsEnabled: true } found) return false;
        var policies = CompiledPolicies.Of(found.Policies.Select(policy => new Policy(policy.Name, [.. policy.Statements.Where(Lasts).Select(WithoutConditions)])));
        return policies.Decide(KmsOperation.Approve, keyId, default) == AccessDecision.Allowed;
    }

    private static bool Lasts(PolicyStatement statement) => statement.Effect == PolicyEffect.Allow || statement.When is null;

    private static PolicyStatement WithoutConditions(PolicyStatement statement) => statement with { When = null };
}

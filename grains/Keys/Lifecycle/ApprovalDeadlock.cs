using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys.Lifecycle;

/// <summary>
/// Refuses a rule and a policy of one key that lock each other: the policy keeps the rule's approvers from approving, and the rule guards
/// the policy, so that nobody could ever change either. Any other rule can be met, if need be by a new principal with an approver's name.
/// Pure functions.
/// </summary>
internal static class ApprovalDeadlock
{
    private const string GuardOfPolicy = "policy";

    /// <summary>Refuses a change that brings about such a state.</summary>
    /// <param name="keyId">The key.</param>
    /// <param name="row">The row before.</param>
    /// <param name="next">The row after.</param>
    /// <exception cref="KmsException">conflict.</exception>
    public static void Check(string keyId, KeyRow row, KeyRow next)
    {
        if ((next.Approval != row.Approval || !ReferenceEquals(next.Policy, row.Policy)) && Locks(keyId, next.Approval, next.Policy))
        {
            throw KmsError.Conflict.Exception(
                "The key's rule guards its policy, and the policy would keep so many of the rule's approvers from approving that nobody could change it again.");
        }
    }

    private static bool Locks(string keyId, ApprovalRule? rule, IReadOnlyList<PolicyStatement>? policy)
    {
        if (rule is null || policy is null || !rule.Operations.Contains(GuardOfPolicy)) return false;
        var about = policy.Where(statement => statement.Effect == PolicyEffect.Allow || IsAboutApproving(keyId, statement)).ToList();
        var able = rule.Approvers.Where(approver => CouldPass(keyId, about, approver)).ToList();

        // The built-in administrator is bound by no policy of a key.
        var administrator = rule.Approvers.Any(approver => ApprovalRules.Covers(approver, CompiledPolicies.Unbound)) && !able.Contains(CompiledPolicies.Unbound) ? 1 : 0;
        return !able.Exists(ApprovalRules.IsPrefix) && able.Count + administrator < rule.Required;
    }

    private static bool CouldPass(string keyId, List<PolicyStatement> policy, string approver)
    {
        if (policy.Exists(statement => statement is { Effect: PolicyEffect.Deny, When: null }
            && (statement.Principals is null || statement.Principals.Any(denied => ApprovalRules.Covers(denied, approver)))))
        {
            return false;
        }

        var allowing = policy.FindAll(statement => statement.Effect == PolicyEffect.Allow);
        return allowing.Count == 0 || allowing.Exists(statement => IsAboutApproving(keyId, statement)
            && (statement.Principals is null || statement.Principals.Any(allowed => Overlap(allowed, approver))));
    }

    private static bool IsAboutApproving(string keyId, PolicyStatement statement) =>
        statement.Actions.Any(action => PolicyActions.Of(action).Contains(KmsOperation.Approve))
        && (statement.Keys.Count == 0 || statement.Keys.Any(pattern => new NamePattern(pattern).Matches(keyId)));

    private static bool Overlap(string one, string other) => ApprovalRules.Covers(one, other) || ApprovalRules.Covers(other, one);
}

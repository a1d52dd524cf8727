namespace OrleansKms.Grains.Keys.Lifecycle;

/// <summary>What a rule of dual control may contain, what it guards and who may approve. Pure functions.</summary>
internal static class ApprovalRules
{
    /// <summary>Refuses a rule that is invalid, or that nobody could ever satisfy.</summary>
    /// <param name="rule">The rule; null for none.</param>
    /// <exception cref="KmsException">invalid_parameter.</exception>
    public static void Check(ApprovalRule? rule)
    {
        if (rule is null) return;
        if (rule.Operations is not { Length: > 0 } operations || !Array.TrueForAll(operations, GuardedOperations.Exists) || HasTwice(operations))
        {
            throw Refused($"approval.operations must be some of {string.Join(", ", GuardedOperations.Names)}, each once.");
        }

        if (rule.Required is < 1 or > KmsLimits.RequiredApprovals)
        {
            throw Refused($"approval.required must be 1 to {KmsLimits.RequiredApprovals}.");
        }

        if (rule.Approvers is not { Length: > 0 and <= KmsLimits.ApproverPatterns } approvers
            || !Array.TrueForAll(approvers, IsPattern) || HasTwice(approvers))
        {
            throw Refused($"approval.approvers must be 1 to {KmsLimits.ApproverPatterns} distinct names of principals, or prefixes followed by '*'.");
        }

        if (Array.Find(approvers, approver => !CouldExist(approver)) is { } nobody)
        {
            throw Refused($"approval.approvers names '{nobody}', and no principal can have that name.");
        }

        if (!Array.Exists(approvers, IsPrefix) && approvers.Length < rule.Required)
        {
            throw Refused("approval.approvers must name at least as many principals as approval.required.");
        }

        if (rule.Expires < KmsLimits.MinApprovalExpiry || rule.Expires > KmsLimits.MaxApprovalExpiry)
        {
            throw Refused(
                $"approval.expires must be {Iso8601Duration.Format(KmsLimits.MinApprovalExpiry)} to {Iso8601Duration.Format(KmsLimits.MaxApprovalExpiry)}.");
        }
    }

    /// <summary>The name under which a rule guards an operation; null if it does not.</summary>
    /// <param name="rule">The rule in force; null for none.</param>
    /// <param name="request">The operation and its arguments.</param>
    public static string? Guard(ApprovalRule? rule, RequestedOperation request)
    {
        if (rule is null) return null;
        if (request.Update is { } update) return GuardOfUpdate(rule, update);
        return GuardedOperations.NamesOf(request.Operation).FirstOrDefault(name => rule.Operations.Contains(name));
    }

    /// <summary>
    /// Whether a rule is weaker than another. Anything that is not plainly as strict is weaker: fewer operations, fewer approvals, a new
    /// approver, or more time.
    /// </summary>
    /// <param name="rule">The rule in force.</param>
    /// <param name="next">The new rule; null for none.</param>
    public static bool Loosens(ApprovalRule rule, ApprovalRule? next) => next is null
        || next.Required < rule.Required
        || next.Expires > rule.Expires
        || Array.Exists(rule.Operations, operation => !next.Operations.Contains(operation))
        || Array.Exists(next.Approvers, pattern => !Array.Exists(rule.Approvers, wider => Covers(wider, pattern)));

    /// <summary>Whether a principal may approve.</summary>
    /// <param name="rule">The rule in force; null for none.</param>
    /// <param name="principal">The principal's name.</param>
    public static bool MayApprove(ApprovalRule? rule, string principal) =>
        rule is not null && Array.Exists(rule.Approvers, pattern => Covers(pattern, principal));

    /// <summary>
    /// An update of the rule alone is guarded by <c>approval</c>, and always if it weakens the rule: otherwise anyone bound by a rule would
    /// first remove it.
    /// </summary>
    private static string? GuardOfUpdate(ApprovalRule rule, UpdateKey update)
    {
        if (update.Approval.IsSet && (rule.Operations.Contains(GuardedOperations.Approval) || Loosens(rule, update.Approval.Value)))
        {
            return GuardedOperations.Approval;
        }

        return rule.Operations.Contains(GuardedOperations.Update) && ChangesMoreThanTheRule(update) ? GuardedOperations.Update : null;
    }

    // Compared as a whole, so that a field added to updates later is not forgotten here.
    private static bool ChangesMoreThanTheRule(UpdateKey update) =>
        update with { Approval = default } != new UpdateKey { Caller = update.Caller };

    internal static bool Covers(string wider, string patternOrName) => IsPrefix(wider)
        ? patternOrName.StartsWith(wider.AsSpan(0, wider.Length - 1), StringComparison.Ordinal)
        : string.Equals(wider, patternOrName, StringComparison.Ordinal);

    internal static bool IsPrefix(string pattern) => pattern.EndsWith('*');

    private static bool IsPattern(string? pattern) =>
        pattern is "*" || (pattern is not null && KmsCaller.IsPrincipal(IsPrefix(pattern) ? pattern[..^1] : pattern));

    // Whoever is judged by a principal's policies must be one; the names of the service itself are nobody's.
    private static bool CouldExist(string approver) => IsPrefix(approver)
        ? PrincipalName.IsValidPrefix(approver.AsSpan(0, approver.Length - 1))
        : approver == CompiledPolicies.Unbound || (PrincipalName.IsValid(approver) && !PrincipalName.IsReserved(approver));

    private static bool HasTwice(string[] texts) => texts.Distinct(StringComparer.Ordinal).Count() < texts.Length;

    private static KmsException Refused(string detail) => KmsError.InvalidParameter.Exception(detail);
}

namespace OrleansKms.Grains.Keys.Lifecycle;

/// <summary>What a rule of dual control may be, what it guards and who may approve by it. Pure functions.</summary>
internal static class ApprovalRules
{
    /// <summary>Refuses a rule that no key can have, or that nobody could ever satisfy.</summary>
    /// <param name="rule">The rule, or null for none.</param>
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
            throw Refused($"approval.approvers must be 1 to {KmsLimits.ApproverPatterns} names of principals, or prefixes and '*', each once.");
        }

        if (!Array.Exists(approvers, IsPrefix) && approvers.Length < rule.Required)
        {
            throw Refused("approval.approvers must name as many principals as are required.");
        }

        if (rule.Expires < KmsLimits.MinApprovalExpiry || rule.Expires > KmsLimits.MaxApprovalExpiry)
        {
            throw Refused(
                $"approval.expires must be {Iso8601Duration.Format(KmsLimits.MinApprovalExpiry)} to {Iso8601Duration.Format(KmsLimits.MaxApprovalExpiry)}.");
        }
    }

    /// <summary>The name by which a rule guards an operation; null where it does not.</summary>
    /// <param name="rule">The rule in force, or null for none.</param>
    /// <param name="request">The operation with its arguments.</param>
    public static string? Guard(ApprovalRule? rule, RequestedOperation request)
    {
        if (rule is null) return null;
        if (request.Update is { } update) return GuardOfUpdate(rule, update);
        return GuardedOperations.NamesOf(request.Operation).FirstOrDefault(name => rule.Operations.Contains(name));
    }

    /// <summary>
    /// Whether a rule asks for less than another. Whatever is not plainly as strict does: fewer operations, fewer approvals, an approver
    /// who was none, or more time.
    /// </summary>
    /// <param name="rule">The rule in force.</param>
    /// <param name="next">What is to take its place; null for none.</param>
    public static bool Loosens(ApprovalRule rule, ApprovalRule? next) => next is null
        || next.Required < rule.Required
        || next.Expires > rule.Expires
        || Array.Exists(rule.Operations, operation => !next.Operations.Contains(operation))
        || Array.Exists(next.Approvers, pattern => !Array.Exists(rule.Approvers, wider => Covers(wider, pattern)));

    /// <summary>Whether a principal may approve.</summary>
    /// <param name="rule">The rule in force, or null for none.</param>
    /// <param name="principal">The principal's name.</param>
    public static bool MayApprove(ApprovalRule? rule, string principal) =>
        rule is not null && Array.Exists(rule.Approvers, pattern => Covers(pattern, principal));

    /// <summary>
    /// An update of the rule alone is guarded by <c>approval</c>, and always if it loosens the rule: else whoever is held by a rule would
    /// begin by taking it away.
    /// </summary>
    private static string? GuardOfUpdate(ApprovalRule rule, UpdateKey update)
    {
        if (update.Approval.IsSet && (rule.Operations.Contains(GuardedOperations.Approval) || Loosens(rule, update.Approval.Value)))
        {
            return GuardedOperations.Approval;
        }

        return rule.Operations.Contains(GuardedOperations.Update) && ChangesMoreThanTheRule(update) ? GuardedOperations.Update : null;
    }

    // Compared as a whole, so that no field that an update gets one day is forgotten here.
    private static bool ChangesMoreThanTheRule(UpdateKey update) =>
        update with { Approval = default } != new UpdateKey { Caller = update.Caller };

    private static bool Covers(string wider, string patternOrName) => IsPrefix(wider)
        ? patternOrName.StartsWith(wider.AsSpan(0, wider.Length - 1), StringComparison.Ordinal)
        : string.Equals(wider, patternOrName, StringComparison.Ordinal);

    private static bool IsPrefix(string pattern) => pattern.EndsWith('*');

    private static bool IsPattern(string? pattern) =>
        pattern is "*" || (pattern is not null && KmsCaller.IsPrincipal(IsPrefix(pattern) ? pattern[..^1] : pattern));

    private static bool HasTwice(string[] texts) => texts.Distinct(StringComparer.Ordinal).Count() < texts.Length;

    private static KmsException Refused(string detail) => KmsError.InvalidParameter.Exception(detail);
}

using System.Text.Json.Serialization;
using OrleansKms.Gateway.Rest.Keys;

namespace OrleansKms.Gateway.Rest.Approvals;

/// <summary>Dual control of a key: which operations need approval, and by whom. In requests and in answers.</summary>
internal sealed class ApprovalRuleBody
{
    /// <summary>
    /// The guarded operations, some of: approval, cancel-deletion, destroy, disable, enable, export, policy, rotate, update.
    /// </summary>
    [JsonRequired]
    public string[] Operations { get; set; } = [];

    /// <summary>How many approvers must consent, 1 to <see cref="KmsLimits.RequiredApprovals"/>; the requester does not count.</summary>
    [JsonRequired]
    public int Required { get; set; }

    /// <summary>Names of principals, or prefixes followed by *; 1 to <see cref="KmsLimits.ApproverPatterns"/>.</summary>
    [JsonRequired]
    public string[] Approvers { get; set; } = [];

    /// <summary>
    /// How long an operation waits for approval (ISO 8601), <see cref="KmsLimits.MinApprovalExpiry"/> to
    /// <see cref="KmsLimits.MaxApprovalExpiry"/>; <see cref="KmsLimits.DefaultApprovalExpiry"/> by default.
    /// </summary>
    public string? Expires { get; set; }

    /// <summary>The rule for the grain, which checks it.</summary>
    /// <exception cref="KmsException">invalid_parameter.</exception>
    public ApprovalRule ToRule() => new(
        Operations, Required, Approvers,
        Expires is null ? KmsLimits.DefaultApprovalExpiry : Durations.Parse(Expires, "approval.expires"));

    /// <summary>A rule for an answer; null for none.</summary>
    public static ApprovalRuleBody? Of(ApprovalRule? rule) => rule is null ? null : new()
    {
        Operations = rule.Operations,
        Required = rule.Required,
        Approvers = rule.Approvers,
        Expires = Iso8601Duration.Format(rule.Expires),
    };
}

using System.Text.Json.Serialization;
using OrleansKms.Gateway.Rest.Keys;

namespace OrleansKms.Gateway.Rest.Approvals;

/// <summary>Dual control of a key: which operations wait for the consent of others, and whose. In requests and in answers.</summary>
internal sealed class ApprovalRuleBody
{
    /// <summary>What is guarded, some of: approval, cancel-deletion, destroy, disable, enable, export, policy, rotate, update.</summary>
    [JsonRequired]
    public string[] Operations { get; set; } = [];

    /// <summary>How many approvers must consent, 1 to 5; whoever asked is none of them.</summary>
    [JsonRequired]
    public int Required { get; set; }

    /// <summary>Names of principals, or prefixes and *; 1 to 32.</summary>
    [JsonRequired]
    public string[] Approvers { get; set; } = [];

    /// <summary>How long an operation waits for approval (ISO 8601), PT1S to P365D; by default P7D.</summary>
    public string? Expires { get; set; }

    /// <summary>The rule for the grain, which checks it.</summary>
    /// <exception cref="KmsException">invalid_parameter.</exception>
    public ApprovalRule ToRule() => new(
        Operations, Required, Approvers,
        Expires is null ? KmsLimits.DefaultApprovalExpiry : Durations.Parse(Expires, "approval.expires"));

    /// <summary>A rule as it is answered; null for none.</summary>
    public static ApprovalRuleBody? Of(ApprovalRule? rule) => rule is null ? null : new()
    {
        Operations = rule.Operations,
        Required = rule.Required,
        Approvers = rule.Approvers,
        Expires = Iso8601Duration.Format(rule.Expires),
    };
}

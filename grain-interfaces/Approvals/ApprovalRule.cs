using System.Text.Json.Serialization;

namespace OrleansKms;

/// <summary>Dual control of a key: which of its operations wait for the consent of others, and whose.</summary>
[GenerateSerializer, Immutable, Alias("okms.ApprovalRule")]
public sealed record ApprovalRule
{
    private const char Separator = '\n';

    /// <summary>Makes a rule.</summary>
    /// <param name="operations">As <see cref="Operations"/>.</param>
    /// <param name="required">As <see cref="Required"/>.</param>
    /// <param name="approvers">As <see cref="Approvers"/>.</param>
    /// <param name="expires">As <see cref="Expires"/>.</param>
    [JsonConstructor]
    public ApprovalRule(string[] operations, int required, string[] approvers, TimeSpan expires) =>
        (Operations, Required, Approvers, Expires) = (operations, required, approvers, expires);

    /// <summary>
    /// What is guarded, at least one of <c>destroy</c>, <c>disable</c>, <c>enable</c>, <c>rotate</c>, <c>update</c>, <c>policy</c>,
    /// <c>approval</c>, <c>export</c> and <c>cancel-deletion</c>.
    /// </summary>
    public string[] Operations
    {
        get => Split(OperationsText);
        init => OperationsText = Join(value);
    }

    /// <summary>How many approvers must consent, at most <see cref="KmsLimits.RequiredApprovals"/>; the requester is none of them.</summary>
    [Id(1)] public int Required { get; init; }

    /// <summary>Who may consent: names of principals, or prefixes and <c>*</c>; at most <see cref="KmsLimits.ApproverPatterns"/>.</summary>
    public string[] Approvers
    {
        get => Split(ApproversText);
        init => ApproversText = Join(value);
    }

    /// <summary>How long a request waits: <see cref="KmsLimits.MinApprovalExpiry"/> to <see cref="KmsLimits.MaxApprovalExpiry"/>.</summary>
    [Id(3)] public TimeSpan Expires { get; init; }

    /// <summary><see cref="Operations"/> as they travel: silos read no collections from clients that they need not.</summary>
    [Id(0)] internal string? OperationsText { get; init; }

    /// <summary><see cref="Approvers"/> as they travel.</summary>
    [Id(2)] internal string? ApproversText { get; init; }

    /// <summary>Omits all names.</summary>
    public override string ToString() => $"{nameof(ApprovalRule)} {{ Required = {Required} }}";

    private static string? Join(string[]? texts) => texts is null ? null : string.Join(Separator, texts);

    private static string[] Split(string? text) => string.IsNullOrEmpty(text) ? [] : text.Split(Separator);
}

using System.Text.Json.Serialization;

namespace OrleansKms;

/// <summary>Dual control of a key: which of its operations need approval, and by whom.</summary>
[GenerateSerializer, Immutable, Alias("okms.ApprovalRule")]
public sealed record ApprovalRule
{
    private const char Separator = '\n';

    /// <summary>Creates a rule.</summary>
    /// <param name="operations">As <see cref="Operations"/>.</param>
    /// <param name="required">As <see cref="Required"/>.</param>
    /// <param name="approvers">As <see cref="Approvers"/>.</param>
    /// <param name="expires">As <see cref="Expires"/>.</param>
    [JsonConstructor]
    public ApprovalRule(string[] operations, int required, string[] approvers, TimeSpan expires) =>
        (Operations, Required, Approvers, Expires) = (operations, required, approvers, expires);

    /// <summary>
    /// The guarded operations, at least one of <c>destroy</c>, <c>disable</c>, <c>enable</c>, <c>rotate</c>, <c>update</c>, <c>policy</c>,
    /// <c>approval</c>, <c>import</c>, <c>export</c> and <c>cancel-deletion</c>.
    /// </summary>
    public string[] Operations
    {
        get => Split(OperationsText);
        init => OperationsText = Join(value);
    }

    /// <summary>How many approvers must consent, at most <see cref="KmsLimits.RequiredApprovals"/>; the requester does not count.</summary>
    [Id(1)] public int Required { get; init; }

    /// <summary>
    /// Who may approve: names of principals, or prefixes followed by <c>*</c>; at most <see cref="KmsLimits.ApproverPatterns"/>.
    /// </summary>
    public string[] Approvers
    {
        get => Split(ApproversText);
        init => ApproversText = Join(value);
    }

    /// <summary>How long a request waits: <see cref="KmsLimits.MinApprovalExpiry"/> to <see cref="KmsLimits.MaxApprovalExpiry"/>.</summary>
    [Id(3)] public TimeSpan Expires { get; init; }

    /// <summary><see cref="Operations"/> in messages: silos accept as few collections from clients as possible.</summary>
    [Id(0)] internal string? OperationsText { get; init; }

    /// <summary><see cref="Approvers"/> in messages.</summary>
    [Id(2)] internal string? ApproversText { get; init; }

    /// <summary>Omits all names.</summary>
    public override string ToString() => $"{nameof(ApprovalRule)} {{ Required = {Required} }}";

    private static string? Join(string[]? texts) => texts is null ? null : string.Join(Separator, texts);

    private static string[] Split(string? text) => string.IsNullOrEmpty(text) ? [] : text.Split(Separator);
}

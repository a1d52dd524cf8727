using System.Text.Json.Serialization;
using OrleansKms.Grains.Sealing;

namespace OrleansKms.Grains.Keys.Rows;

/// <summary>
/// An operation of the key that needs approval, in the row <c>key</c>: so that what becomes of it and what it changes are one commit.
/// </summary>
public sealed record KeyApproval
{
    /// <summary>Its number; with the key's id it is its id. Numbers grow with time.</summary>
    public required string Number { get; init; }
    /// <summary>The name by which the rule guarded it when it was asked for.</summary>
    public required string Guard { get; init; }
    /// <summary>What was asked for. Once decided, without texts and tags.</summary>
    public required RequestedOperation Request { get; init; }
    /// <summary>Who asked.</summary>
    public required Caller RequestedBy { get; init; }
    /// <summary>When, UTC.</summary>
    public required DateTimeOffset RequestedAt { get; init; }
    /// <summary>Until when it waits by the rule of that time, UTC.</summary>
    public required DateTimeOffset ExpiresAt { get; init; }
    /// <summary>The restore epoch in which it was asked for. One of an earlier epoch may have been decided since the backup.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int Epoch { get; init; }
    /// <summary>What has become of it.</summary>
    public ApprovalState State { get; init; }
    /// <summary>Every approval that was given, in their order; once decided, those that counted.</summary>
    public IReadOnlyList<ApprovalVote> Approvals { get; init; } = [];
    /// <summary>How many approvals it needed; once decided.</summary>
    public int? Required { get; init; }
    /// <summary>When it was decided, UTC.</summary>
    public DateTimeOffset? DecidedAt { get; init; }
    /// <summary>Who decided it; null where nobody did.</summary>
    public string? DecidedBy { get; init; }
    /// <summary>The code of why it failed.</summary>
    public string? Error { get; init; }
    /// <summary>Why it failed or became void, in words.</summary>
    public string? Detail { get; init; }
}

/// <summary>One approval.</summary>
/// <param name="Principal">Who gave it.</param>
/// <param name="Credential">By which credential.</param>
/// <param name="At">When, UTC.</param>
public sealed record ApprovalVote(string Principal, string? Credential, DateTimeOffset At);

/// <summary>
/// The row <c>key.approvals</c>, by which keys are found that have approvals; the approvals lie in the row <c>key</c>. A plain listing has
/// the keys of which some wait.
/// </summary>
public sealed record KeyApprovalsRow : Row
{
    /// <summary>Whether some wait.</summary>
    public bool SomeWait { get; init; }

    /// <inheritdoc/>
    [JsonIgnore]
    public override bool IsTombstone => !SomeWait;
}

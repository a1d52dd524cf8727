using System.Text.Json.Serialization;
using OrleansKms.Grains.Sealing;

namespace OrleansKms.Grains.Keys.Rows;

/// <summary>
/// An operation of the key that needs approval, stored in the row <c>key</c>, so that its outcome and the change it makes are one commit.
/// </summary>
public sealed record KeyApproval
{
    /// <summary>Its number, which together with the key's id forms its id. Numbers grow with time.</summary>
    public required string Number { get; init; }
    /// <summary>The name under which the rule guarded it when it was requested.</summary>
    public required string Guard { get; init; }
    /// <summary>The requested operation. Once decided, without texts and tags.</summary>
    public required RequestedOperation Request { get; init; }
    /// <summary>The requester.</summary>
    public required Caller RequestedBy { get; init; }
    /// <summary>When it was requested, UTC.</summary>
    public required DateTimeOffset RequestedAt { get; init; }
    /// <summary>When it expires under the rule in force when it was requested, UTC.</summary>
    public required DateTimeOffset ExpiresAt { get; init; }
    /// <summary>The restore epoch in which it was requested. One from an earlier epoch may have been decided since the backup.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int Epoch { get; init; }
    /// <summary>Its state.</summary>
    public ApprovalState State { get; init; }
    /// <summary>The approvals, in order; once decided, only those that counted.</summary>
    public IReadOnlyList<ApprovalVote> Approvals { get; init; } = [];
    /// <summary>How many approvals it needed; set once decided.</summary>
    public int? Required { get; init; }
    /// <summary>When it was decided, UTC.</summary>
    public DateTimeOffset? DecidedAt { get; init; }
    /// <summary>Who decided it; null if nobody did.</summary>
    public string? DecidedBy { get; init; }
    /// <summary>When what it permitted was done, UTC, if it permits something once: an import.</summary>
    public DateTimeOffset? UsedAt { get; init; }
    /// <summary>The error code if it failed.</summary>
    public string? Error { get; init; }
    /// <summary>Why it failed or became void, as text.</summary>
    public string? Detail { get; init; }
}

/// <summary>One approval.</summary>
/// <param name="Principal">The approver.</param>
/// <param name="Credential">The approver's credential.</param>
/// <param name="At">When, UTC.</param>
public sealed record ApprovalVote(string Principal, string? Credential, DateTimeOffset At)
{
    /// <summary>The address that the approver called from, which policies may look at again; null in rows of an older version.</summary>
    public string? Source { get; init; }
}

/// <summary>
/// The row <c>key.approvals</c>, an index of keys with approvals; the approvals themselves are in the row <c>key</c>. A plain listing
/// contains the keys with pending ones.
/// </summary>
public sealed record KeyApprovalsRow : Row
{
    /// <summary>Whether any are pending.</summary>
    public bool SomeWait { get; init; }

    /// <inheritdoc/>
    [JsonIgnore]
    public override bool IsTombstone => !SomeWait;
}

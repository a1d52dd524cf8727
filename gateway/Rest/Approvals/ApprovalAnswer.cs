using System.Text.Json.Serialization;
using OrleansKms.Gateway.Json;

namespace OrleansKms.Gateway.Rest.Approvals;

/// <summary>An operation that needs approval.</summary>
internal sealed class ApprovalAnswer
{
    /// <summary>The approval's id.</summary>
    [JsonPropertyName("approval_id")]
    public required string ApprovalId { get; init; }

    /// <summary>pending, executed, rejected, cancelled, expired or failed.</summary>
    public required string State { get; init; }

    /// <summary>The key.</summary>
    [JsonPropertyName("key_id")]
    public required string KeyId { get; init; }

    /// <summary>The name under which the key's rule guards it, for example destroy.</summary>
    public required string Operation { get; init; }

    /// <summary>The requested operation, for example keys:schedule-deletion.</summary>
    public required string Action { get; init; }

    /// <summary>Its arguments.</summary>
    public required ApprovalArgumentsAnswer Arguments { get; init; }

    /// <summary>The requester.</summary>
    [JsonPropertyName("requested_by")]
    public required string RequestedBy { get; init; }

    /// <summary>When it was requested.</summary>
    [JsonPropertyName("requested_at")]
    public required DateTime RequestedAt { get; init; }

    /// <summary>When it expires, or would have expired.</summary>
    [JsonPropertyName("expires_at")]
    public required DateTime ExpiresAt { get; init; }

    /// <summary>How many approvals it needs, or needed.</summary>
    public required int Required { get; init; }

    /// <summary>The approvals that count, or counted.</summary>
    public required ApprovalGivenAnswer[] Approvals { get; init; }

    /// <summary>When it was decided.</summary>
    [JsonPropertyName("decided_at")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTime? DecidedAt { get; init; }

    /// <summary>Who decided it; absent if it expired, became void or ended with its key.</summary>
    [JsonPropertyName("decided_by")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? DecidedBy { get; init; }

    /// <summary>Why it failed.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ErrorAnswer? Error { get; init; }

    /// <summary>Why it became void.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Reason { get; init; }

    public static ApprovalAnswer Of(ApprovalDescription approval) => new()
    {
        ApprovalId = approval.Id,
        State = WireNames<ApprovalState>.Of(approval.State),
        KeyId = approval.KeyId,
        Operation = approval.Guard,
        Action = approval.Request.Operation,
        Arguments = ApprovalArgumentsAnswer.Of(approval.Request),
        RequestedBy = approval.RequestedBy,
        RequestedAt = approval.RequestedAt.UtcDateTime,
        ExpiresAt = approval.ExpiresAt.UtcDateTime,
        Required = approval.Required,
        Approvals = Array.ConvertAll(approval.Approvals, given => new ApprovalGivenAnswer { Principal = given.Principal, ApprovedAt = given.At.UtcDateTime }),
        DecidedAt = approval.DecidedAt?.UtcDateTime,
        DecidedBy = approval.DecidedBy,
        Error = approval.Error is { } code ? new() { Code = code, Detail = approval.Detail ?? "" } : null,
        Reason = approval.Error is null ? approval.Detail : null,
    };
}

/// <summary>One approval.</summary>
internal sealed class ApprovalGivenAnswer
{
    /// <summary>The approver.</summary>
    public required string Principal { get; init; }

    /// <summary>When it was given.</summary>
    [JsonPropertyName("approved_at")]
    public required DateTime ApprovedAt { get; init; }
}

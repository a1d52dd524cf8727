namespace OrleansKms;

/// <summary>What has become of an operation that needs approval.</summary>
[GenerateSerializer, Alias("okms.ApprovalState")]
public enum ApprovalState
{
    /// <summary>It waits for approval.</summary>
    Pending = 0,
    /// <summary>It was approved and carried out, in one commit.</summary>
    Executed = 1,
    /// <summary>An approver refused it.</summary>
    Rejected = 2,
    /// <summary>It was taken back; or it became void, since the rule no longer guards it or the database was restored from a backup.</summary>
    Cancelled = 3,
    /// <summary>Not enough approvals came in time.</summary>
    Expired = 4,
    /// <summary>It was approved and could no longer be done, or the key was destroyed before.</summary>
    Failed = 5,
}

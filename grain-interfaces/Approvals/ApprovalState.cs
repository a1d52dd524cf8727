namespace OrleansKms;

/// <summary>The state of an operation that needs approval.</summary>
[GenerateSerializer, Alias("okms.ApprovalState")]
public enum ApprovalState
{
    /// <summary>It is pending.</summary>
    Pending = 0,
    /// <summary>
    /// It was approved and carried out, in one commit. An export, and the parameters of an import, are then for the requester to ask for
    /// again until the approval expires, and until one import was made: what they return is for nobody else.
    /// </summary>
    Executed = 1,
    /// <summary>An approver rejected it.</summary>
    Rejected = 2,
    /// <summary>It was withdrawn or became void: the rule no longer guards it, or the database was restored from a backup.</summary>
    Cancelled = 3,
    /// <summary>It did not get enough approvals in time.</summary>
    Expired = 4,
    /// <summary>It was approved but no longer possible, or the key was destroyed first.</summary>
    Failed = 5,
}

using OrleansKms.Grains.Keys.Operations;

namespace OrleansKms.Grains.Keys;

// Dual control; since feature level 4.
public sealed partial class KeyGrain : IKeyApprovalsGrain
{
    /// <inheritdoc/>
    public Task<ApprovalDescription[]> List(ApprovalsQuery query) => Approvals.List(_key, query);

    /// <inheritdoc/>
    public Task<ApprovalDescription> Describe(ApprovalCommand request) => Approvals.Describe(_key, request);

    /// <inheritdoc/>
    public Task<ApprovalDescription> Approve(ApprovalCommand request) => Approvals.Approve(_key, request);

    /// <inheritdoc/>
    public Task<ApprovalDescription> Reject(ApprovalCommand request) => Approvals.Reject(_key, request);

    /// <inheritdoc/>
    public Task<ApprovalDescription> Cancel(ApprovalCommand request) => Approvals.Cancel(_key, request);
}

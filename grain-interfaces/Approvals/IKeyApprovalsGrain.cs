namespace OrleansKms;

/// <summary>
/// Dual control of one key. The same grain as <see cref="IKeyGrain"/>, with the same grain key. Since feature level 4. For gateways only:
/// an approver must have signed in, and other clients name their callers themselves.
/// </summary>
/// <remarks>An interface of its own, like <see cref="IKeyRowsGrain"/>, since older silos lack it.</remarks>
[Alias("okms.IKeyApprovalsGrain"), Orleans.CodeGeneration.Version(1)]
public interface IKeyApprovalsGrain : IGrainWithStringKey
{
    /// <summary>
    /// Like <see cref="IKeyGrain.Create"/>, on a silo that knows limits and rules: an older one would create the key without them. A call of
    /// that method with either becomes a call of this one.
    /// </summary>
    [Alias("Create"), Operation("keys:create")] Task<KeyDescription> Create(CreateKey request);

    /// <summary>Like <see cref="IKeyGrain.Update"/>, on a silo that knows limits and rules.</summary>
    [Alias("Update"), Operation("keys:update")] Task<KeyDescription> Update(UpdateKey request);

    /// <summary>
    /// The key's approvals, oldest first: pending ones, and those decided within <see cref="KmsLimits.DecidedApprovalsKept"/>.
    /// </summary>
    [Alias("List"), Operation("approvals:list")] Task<ApprovalDescription[]> List(ApprovalsQuery query);

    /// <summary>One approval. Error: approval_not_found.</summary>
    [Alias("Describe"), Operation("approvals:describe")] Task<ApprovalDescription> Describe(ApprovalCommand request);

    /// <summary>
    /// Approves; the last approval carries out the operation. Errors: approval_not_found; permission_denied for the requester and for
    /// anyone who is not an approver; conflict if it is decided, or the caller has approved already; the operation's own errors if it is no
    /// longer possible.
    /// </summary>
    [Alias("Approve"), Operation("approvals:approve")] Task<ApprovalDescription> Approve(ApprovalCommand request);

    /// <summary>Rejects a pending approval, or ends what an executed one still permits. Errors as for <see cref="Approve"/>.</summary>
    [Alias("Reject"), Operation("approvals:reject")] Task<ApprovalDescription> Reject(ApprovalCommand request);

    /// <summary>Withdraws a pending approval, or ends what an executed one still permits. Errors: approval_not_found; conflict if it is decided.</summary>
    [Alias("Cancel"), Operation("approvals:cancel")] Task<ApprovalDescription> Cancel(ApprovalCommand request);
}

/// <summary>A command for one approval of a key.</summary>
/// <param name="Caller">The caller.</param>
/// <param name="ApprovalId">The approval's id.</param>
[GenerateSerializer, Immutable, Alias("okms.ApprovalCommand")]
public sealed record ApprovalCommand([property: Id(0)] Caller Caller, [property: Id(1)] string ApprovalId) : ICallerRequest;

/// <summary>Requests a key's approvals.</summary>
/// <param name="Caller">Who asks.</param>
/// <param name="State">Only those in this state; null for all.</param>
[GenerateSerializer, Immutable, Alias("okms.ApprovalsQuery")]
public sealed record ApprovalsQuery([property: Id(0)] Caller Caller, [property: Id(1)] ApprovalState? State = null) : ICallerRequest
{
    /// <summary>Whether this is part of a list over all keys, which is recorded as such.</summary>
    [Id(2)] public bool IsPart { get; init; }
}

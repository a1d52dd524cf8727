namespace OrleansKms;

/// <summary>
/// Dual control of one key. It is the same grain as <see cref="IKeyGrain"/>, called by the same key; since feature level 4. For gateways
/// only: who approves must have signed in, and what other callers say of themselves is believed.
/// </summary>
/// <remarks>An interface of its own, as <see cref="IKeyRowsGrain"/> is, since older silos lack it.</remarks>
[Alias("okms.IKeyApprovalsGrain"), Orleans.CodeGeneration.Version(1)]
public interface IKeyApprovalsGrain : IGrainWithStringKey
{
    /// <summary>
    /// As <see cref="IKeyGrain.Create"/>, by a silo that knows limits and rules: an older one would create the key without. A call of that
    /// one with either becomes a call of this one.
    /// </summary>
    [Alias("Create"), Operation("keys:create")] Task<KeyDescription> Create(CreateKey request);

    /// <summary>As <see cref="IKeyGrain.Update"/>, by a silo that knows limits and rules.</summary>
    [Alias("Update"), Operation("keys:update")] Task<KeyDescription> Update(UpdateKey request);

    /// <summary>The key's approvals, oldest first: those that wait, and those decided within <see cref="KmsLimits.DecidedApprovalsKept"/>.</summary>
    [Alias("List"), Operation("approvals:list")] Task<ApprovalDescription[]> List(ApprovalsQuery query);

    /// <summary>One approval. Error: approval_not_found.</summary>
    [Alias("Describe"), Operation("approvals:describe")] Task<ApprovalDescription> Describe(ApprovalCommand request);

    /// <summary>
    /// Approves; the last approval carries the operation out. Errors: approval_not_found; permission_denied for who asked or is no
    /// approver; conflict where it is decided, or the caller has approved already; the operation's own, where it can no longer be done.
    /// </summary>
    [Alias("Approve"), Operation("approvals:approve")] Task<ApprovalDescription> Approve(ApprovalCommand request);

    /// <summary>Refuses what waits. Errors as for <see cref="Approve"/>.</summary>
    [Alias("Reject"), Operation("approvals:reject")] Task<ApprovalDescription> Reject(ApprovalCommand request);

    /// <summary>Takes back what waits. Errors: approval_not_found, conflict where it is decided.</summary>
    [Alias("Cancel"), Operation("approvals:cancel")] Task<ApprovalDescription> Cancel(ApprovalCommand request);
}

/// <summary>A command to one approval of a key.</summary>
/// <param name="Caller">Who asks.</param>
/// <param name="ApprovalId">The approval's id.</param>
[GenerateSerializer, Immutable, Alias("okms.ApprovalCommand")]
public sealed record ApprovalCommand([property: Id(0)] Caller Caller, [property: Id(1)] string ApprovalId) : ICallerRequest;

/// <summary>Asks for a key's approvals.</summary>
/// <param name="Caller">Who asks.</param>
/// <param name="State">Only those in this state; null for all.</param>
[GenerateSerializer, Immutable, Alias("okms.ApprovalsQuery")]
public sealed record ApprovalsQuery([property: Id(0)] Caller Caller, [property: Id(1)] ApprovalState? State = null) : ICallerRequest
{
    /// <summary>Whether it is a part of a list over all keys, which is recorded as such.</summary>
    [Id(2)] public bool IsPart { get; init; }
}

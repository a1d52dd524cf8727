using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.History;
using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>Operations that need approval: lists them, and carries out the decisions of approvers and requesters.</summary>
internal static class Approvals
{
    public static Task<ApprovalDescription[]> List(KeyActivation key, ApprovalsQuery query) => key.Gate.RunInTurn(
        KeyGate.Enter(query.IsPart ? KmsOperation.DescribeApproval : KmsOperation.ListApprovals, query.Caller),
        async () =>
        {
            var row = await Settled(key);
            return (row.Approvals ?? []).Where(approval => query.State is null || approval.State == query.State)
                .Select(approval => KeyApprovals.Describe(key.Id, row, approval)).ToArray();
        },
        isRepeatable: true);

    public static Task<ApprovalDescription> Describe(KeyActivation key, ApprovalCommand request) => key.Gate.RunInTurn(
        Enter(KmsOperation.DescribeApproval, request),
        () => OfAnApproval(key, request, async number =>
        {
            var row = await Settled(key);
            return KeyApprovals.Describe(key.Id, row, KeyApprovals.Find(row, number));
        }),
        isRepeatable: true);

    /// <summary>The last approval carries out the operation, in this turn and in the commit that records it.</summary>
    public static Task<ApprovalDescription> Approve(KeyActivation key, ApprovalCommand request) => key.Gate.RunInTurn(
        Enter(KmsOperation.Approve, request),
        () => OfAnApproval(key, request, async number =>
        {
            var (row, next) = await PrepareApproval(key, number, request.Caller);
            var approval = KeyApprovals.Find(next, number);
            if (KeyApprovals.IsComplete(next, approval))
            {
                return await CarryOut(key, row, next, approval, request.Caller);
            }

            return Described(key, await ApprovalChange.Commit(key, row, next, approval, KmsOperation.Approve.Verb, request.Caller), number);
        }));

    public static Task<ApprovalDescription> Reject(KeyActivation key, ApprovalCommand request) =>
        Decide(key, request, KmsOperation.RejectApproval, KeyApprovals.Reject);

    public static Task<ApprovalDescription> Cancel(KeyActivation key, ApprovalCommand request) =>
        Decide(key, request, KmsOperation.CancelApproval, KeyApprovals.Cancel);

    // An invalid id is not recorded: its sender chooses the text.
    private static Call Enter(KmsOperation operation, ApprovalCommand request) => KeyGate.Enter(operation, request.Caller) with
    {
        Detail = ApprovalId.TryRead(request.ApprovalId, out _, out _) ? request.ApprovalId : null,
    };

    private static Task<ApprovalDescription> Decide(
        KeyActivation key, ApprovalCommand request, KmsOperation operation, Func<KeyRow, string, Caller, DateTimeOffset, KeyRow> decide) =>
        key.Gate.RunInTurn(
            Enter(operation, request),
            () => OfAnApproval(key, request, async number =>
            {
                var (row, next) = await Prepare(key, row => decide(row, number, request.Caller, key.Now));
                var approval = KeyApprovals.Find(next, number);
                return Described(key, await ApprovalChange.Commit(key, row, next, approval, operation.Verb, request.Caller), number);
            }));

    /// <summary>
    /// Carries out an approved operation. One that is no longer possible ends as failed. If only the database, the HSM or the audit trail
    /// is down, nothing is recorded, and the approval can be given again.
    /// </summary>
    private static async Task<ApprovalDescription> CarryOut(KeyActivation key, KeyRow row, KeyRow next, KeyApproval approval, Caller caller)
    {
        var change = RequestedChanges.Of(approval.Request);
        KeyRow done;
        try
        {
            if (!await key.Standing.OfRequester(approval)) throw KmsError.PermissionDenied.Exception("Its requester may not do this any more.");
            await change.Begin(key);
            done = change.Apply(key, next);
        }
        catch (KmsException e) when (e.Error.Status < 500)
        {
            await ApprovalChange.Commit(key, row, KeyApprovals.Fail(next, approval, e, caller, key.Now), approval, "fail", caller);
            throw new KmsException(e.Code, $"{e.Message} The operation was approved but is no longer possible, so the approval has failed.");
        }

        if (change.IsForTheRequester)
        {
            var executed = KeyApprovals.Execute(done, approval, next, caller, key.Now);
            return Described(key, await ApprovalChange.Commit(key, row, executed, approval, KmsOperation.Approve.Verb, caller), approval.Number);
        }

        var reason = ChangeReasons.Of(row, done) is { } shown ? $"{shown}; approval {approval.Number}" : $"approval {approval.Number}";
        await change.Commit(key, row, KeyApprovals.Execute(done, approval, next, caller, key.Now), approval.RequestedBy, reason);
        var written = key.Slot.Row!;
        await ApprovalChange.TellOfTheOthers(key, row, written, approval.Number);
        await ApprovalChange.Tell(key, written, approval, KmsOperation.Approve.Verb, caller);
        await key.Services.Changes.CarriedOut(key.Id, ApprovalId.Of(key.Id, approval.Number), change.Operation,
            change.Request.Version ?? written.PrimaryVersion, written.Revision, approval.RequestedBy);
        return Described(key, written, approval.Number);
    }

    /// <summary>
    /// The newest row with one more approval, and without those of principals who may not approve any more: disabled or removed since, or
    /// without the right by their own policies or the key's. Whose approval has fallen may give it again.
    /// </summary>
    private static async Task<(KeyRow Row, KeyRow Next)> PrepareApproval(KeyActivation key, string number, Caller caller)
    {
        var judged = new Dictionary<ApprovalVote, bool>();
        var votes = KeyApprovals.VotesOf(await Settled(key), number);
        while (true)
        {
            foreach (var vote in votes)
            {
                if (!judged.ContainsKey(vote))
                {
                    judged[vote] = await key.Standing.Of(vote);
                }
            }

            var fallen = judged.Where(one => !one.Value).Select(one => one.Key).ToList();
            var (row, next) = await Prepare(key, row => KeyApprovals.Approve(KeyApprovals.Without(row, number, fallen), number, caller, key.Now));
            votes = KeyApprovals.VotesOf(row, number);

            // Another activation may have stored votes that were not judged.
            if (votes.All(judged.ContainsKey))
            {
                return (row, next);
            }
        }
    }

    private static ApprovalDescription Described(KeyActivation key, KeyRow row, string number) =>
        KeyApprovals.Describe(key.Id, row, KeyApprovals.Find(row, number));

    /// <summary>The newest row with a change of an approval; a refusal is checked against the stored row.</summary>
    private static async Task<(KeyRow Row, KeyRow Next)> Prepare(KeyActivation key, Func<KeyRow, KeyRow> change)
    {
        await Settled(key);
        return await RowChange.Prepare(key, row => change(KeyApprovals.Settle(row, key.Now, key.Services.Epoch.Number)));
    }

    /// <summary>
    /// The key with its approvals as of now. Changes made by time are written, so that they are reported once; if that fails, later.
    /// </summary>
    private static async Task<KeyRow> Settled(KeyActivation key)
    {
        var row = await key.Current();
        var settled = KeyApprovals.Settle(row, key.Now, key.Services.Epoch.Number);
        if (ReferenceEquals(settled, row) || !key.Services.Changes.HasRoom) return settled;
        try
        {
            return await ApprovalChange.Commit(key, row, settled);
        }
        catch (StorageFailedException e)
        {
            key.Services.Logger.StorageFailed(key.Id, e.OutcomeUnknown, e);
            return settled;
        }
    }

    /// <summary>A key that does not exist has no approvals, and callers who invent ids learn no more than that.</summary>
    private static async Task<ApprovalDescription> OfAnApproval(
        KeyActivation key, ApprovalCommand request, Func<string, Task<ApprovalDescription>> run)
    {
        if (!ApprovalId.TryRead(request.ApprovalId, out var keyId, out var number) || keyId != key.Id)
        {
            throw KmsError.ApprovalNotFound.Exception();
        }

        try
        {
            return await run(number);
        }
        catch (KmsException e) when (e.Error == KmsError.KeyNotFound)
        {
            throw KmsError.ApprovalNotFound.Exception();
        }
    }
}

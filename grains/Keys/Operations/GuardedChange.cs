using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>
/// Makes a requested change or, if the key's rule of dual control guards it, stores it until others approve. An impossible change is
/// refused at once, guarded or not. The rule applies to everyone, the administrator and .NET callers included.
/// </summary>
internal static class GuardedChange
{
    public static Task<KeyDescription> Run(KeyActivation key, Caller caller, KmsOperation operation, Func<RequestedOperation, RequestedOperation>? arguments = null)
    {
        var request = new RequestedOperation(operation.Name);
        var change = RequestedChanges.Of(arguments is null ? request : arguments(request));
        return key.Gate.RunInTurn(
            KeyGate.Enter(operation, caller) with { Version = change.Request.Version, Detail = MinDecryptVersion(change.Request) },
            async () =>
            {
                await change.Begin(key);
                var (row, next) = await change.Prepare(key);
                return change.Changes(row, next) && ApprovalRules.Guard(row.Approval, change.Request) is not null
                    ? throw await Ask(key, row, change.Request, caller)
                    : await change.Commit(key, row, next, caller);
            });
    }

    // A restore reads this in the audit trail (deploy/restore/changes-since.jq).
    private static string? MinDecryptVersion(RequestedOperation request) =>
        request.Update?.MinDecryptVersion is { } version ? FormattableString.Invariant($"min_decrypt_version {version}") : null;

    /// <summary>
    /// Stores the operation until it is approved. A repeated request, by anyone, finds the pending one, so it is harmless.
    /// </summary>
    /// <returns>The exception for the caller: an ordinary answer would say that the operation was done.</returns>
    internal static async Task<KmsException> Ask(KeyActivation key, KeyRow row, RequestedOperation request, Caller caller)
    {
        var guard = ApprovalRules.Guard(row.Approval, request) ?? throw new InvalidOperationException("internal error: nothing guards it.");
        var (now, epoch) = (key.Now, key.Services.Epoch.Number);
        var settled = KeyApprovals.Settle(row, now, epoch);
        if (KeyApprovals.FindSame(settled, request) is not { } waiting)
        {
            var next = KeyApprovals.Ask(settled, guard, request, caller, now, epoch);
            waiting = next.Approvals![^1];
            settled = await ApprovalChange.Commit(key, row, next, waiting, "request", caller);
        }

        return Pending(KeyApprovals.Describe(key.Id, settled, waiting));
    }

    private static KmsException Pending(ApprovalDescription approval) =>
        new(KmsError.ApprovalPending.Code, $"{KmsError.ApprovalPending.Title} Its id is {approval.Id}.") { Approval = approval };
}

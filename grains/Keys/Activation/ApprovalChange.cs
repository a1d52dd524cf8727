using OrleansKms.Grains.Keys.History;
using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys.Activation;

/// <summary>Writes a row whose approvals changed, and reports each of those changes.</summary>
internal static class ApprovalChange
{
    /// <summary>Writes the next row.</summary>
    /// <param name="key">The key.</param>
    /// <param name="row">The row before.</param>
    /// <param name="next">The next row.</param>
    /// <param name="approval">The approval that the caller changed.</param>
    /// <param name="step">What happened to it.</param>
    /// <param name="caller">The caller.</param>
    /// <returns>The row that was written.</returns>
    public static async Task<KeyRow> Commit(KeyActivation key, KeyRow row, KeyRow next, KeyApproval approval, string step, Caller caller)
    {
        key.Services.Changes.RequireRoom();
        var cause = new ChangeCause(caller, $"approvals:{step}", Reason: $"approval {approval.Number} of {approval.Request.Operation}");
        var written = await key.Write(row, next, cause);
        CallInstruments.Count(caller, KmsOperation.UpdateKey);
        await TellOfTheOthers(key, row, written, approval.Number);
        await Tell(key, written, approval, step, caller);
        return written;
    }

    /// <summary>Writes the changes that time alone has made.</summary>
    public static async Task<KeyRow> Commit(KeyActivation key, KeyRow row, KeyRow next)
    {
        var written = await key.Write(row, next, new ChangeCause(KeyServices.Self, "approvals:settle"));
        await TellOfTheOthers(key, row, written, but: null);
        return written;
    }

    /// <summary>Reports one step.</summary>
    /// <param name="key">The key.</param>
    /// <param name="written">Its row with the step.</param>
    /// <param name="approval">The approval.</param>
    /// <param name="step">What became of it.</param>
    /// <param name="caller">Who changed it.</param>
    public static Task Tell(KeyActivation key, KeyRow written, KeyApproval approval, string step, Caller caller) =>
        key.Services.Changes.ApprovalChanged(key.Id, ApprovalId.Of(key.Id, approval.Number), step, approval.Request.Operation, written.Revision, caller);

    /// <summary>Reports approvals that nobody decided: they expired, became void, or ended with the key.</summary>
    /// <param name="key">The key.</param>
    /// <param name="row">The row before.</param>
    /// <param name="written">The row after.</param>
    /// <param name="but">The number of one that is reported separately; null for none.</param>
    public static async Task TellOfTheOthers(KeyActivation key, KeyRow row, KeyRow written, string? but)
    {
        foreach (var before in row.Approvals ?? [])
        {
            if (before.State == ApprovalState.Pending && before.Number != but
                && written.Approvals?.FirstOrDefault(a => a.Number == before.Number) is { State: not ApprovalState.Pending } after)
            {
                await Tell(key, written, after, after.State == ApprovalState.Expired ? "expire" : after.State == ApprovalState.Failed ? "fail" : "cancel", KeyServices.Self);
            }
        }
    }
}

using Orleans.Storage;
using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Keys.Activation;

/// <summary>
/// Keeps the row <c>key.approvals</c> in step with a write of the row <c>key</c>. It says that some wait before they do, and stops saying
/// so after they do not: a crash in between leaves a key listed that has nothing to tell, and never hides one.
/// </summary>
/// <remarks>
/// Two activations may differ about it for a moment. Whoever stops it writes over what it read before its commit; whoever begins
/// anew after that commit has written the row again, so that the other loses.
/// </remarks>
internal sealed class ApprovalIndex
{
    private const int MaxLostRaces = 3;

    private readonly KeyActivation _key;
    private readonly KeyRow _next;
    private readonly Extent _to;
    private readonly RowSlot<KeyApprovalsRow> _slot;
    private bool _isRead;

    private ApprovalIndex(KeyActivation key, GrainId grain, KeyRow next, Extent to)
    {
        (_key, _next, _to) = (key, next, to);
        _slot = new(key.Services.Storage, grain, RowNames.KeyApprovals);
    }

    // In this order: more is said before, less after.
    private enum Extent
    {
        None,
        OnlyDecided,
        SomeWait,
    }

    /// <summary>What is to be done for a write; null where nothing is.</summary>
    public static ApprovalIndex? Of(KeyActivation key, GrainId grain, KeyRow? row, KeyRow next)
    {
        var (from, to) = (ExtentOf(row), ExtentOf(next));
        return from == to ? null : new(key, grain, next, to);
    }

    /// <summary>Before the commit.</summary>
    /// <exception cref="StorageFailedException">It was not said, so nothing may be committed.</exception>
    public async Task Before()
    {
        if (_to == Extent.SomeWait)
        {
            await SayThatSomeWait();
            return;
        }

        try
        {
            await _slot.Read();
            _isRead = _slot.Row is not null;
        }
        catch (Exception e) when (e is StorageFailedException or KmsException)
        {
            _key.Services.Logger.ApprovalIndexBehind(_key.Id, e);
        }
    }

    /// <summary>After the commit, which does not fail with this.</summary>
    public async Task After()
    {
        if (!_isRead) return;
        try
        {
            if (_to == Extent.None)
            {
                await _slot.Clear();
            }
            else
            {
                await _slot.Write(new() { Incarnation = _next.Incarnation });
            }
        }
        catch (Exception e) when (e is StorageFailedException or InconsistentStateException)
        {
            _key.Services.Logger.ApprovalIndexBehind(_key.Id, e);
        }
    }

    private async Task SayThatSomeWait()
    {
        for (var lostRaces = 0; ; lostRaces++)
        {
            await ReadOrClear();
            try
            {
                await _slot.Write(new() { Incarnation = _next.Incarnation, SomeWait = true });
                return;
            }
            catch (InconsistentStateException) when (lostRaces < MaxLostRaces)
            {
                // What was written meanwhile may be that none wait.
            }
        }
    }

    private async Task ReadOrClear()
    {
        try
        {
            await _slot.Read();
        }
        catch (KmsException e) when (e.Error == KmsError.KeyCorrupted)
        {
            // It holds nothing that is not in the row of the key, and must not stop anything.
            await _slot.ClearUnread();
        }
    }

    private static Extent ExtentOf(KeyRow? row) => row?.Approvals is not { } approvals ? Extent.None
        : approvals.Any(approval => approval.State == ApprovalState.Pending) ? Extent.SomeWait
        : Extent.OnlyDecided;
}

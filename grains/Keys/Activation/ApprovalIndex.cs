using Orleans.Storage;
using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Keys.Activation;

/// <summary>
/// Keeps the row <c>key.approvals</c> in step with writes of the row <c>key</c>. It marks the key as having pending approvals before they
/// are committed, and clears the mark after they are gone. A crash in between leaves a key listed that has none, but never hides one.
/// </summary>
/// <remarks>
/// Two activations may disagree for a moment. The one that clears the mark overwrites the row it read before its commit; if another has set
/// the mark anew after that commit, it has rewritten the row, and the first one loses.
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

    // In this order: a write moves up before the commit, and down after it.
    private enum Extent
    {
        None,
        OnlyDecided,
        SomeWait,
    }

    /// <summary>The index update that a write needs; null if it needs none.</summary>
    public static ApprovalIndex? Of(KeyActivation key, GrainId grain, KeyRow? row, KeyRow next)
    {
        var (from, to) = (ExtentOf(row), ExtentOf(next));
        return from == to ? null : new(key, grain, next, to);
    }

    /// <summary>Runs before the commit.</summary>
    /// <exception cref="StorageFailedException">The mark was not written, so nothing may be committed.</exception>
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

    /// <summary>Runs after the commit, which stands even if this fails.</summary>
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
                // The row written meanwhile may say that none are pending.
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
            // The row has nothing that the key's own row lacks, so it must not stop anything.
            await _slot.ClearUnread();
        }
    }

    private static Extent ExtentOf(KeyRow? row) => row?.Approvals is not { } approvals ? Extent.None
        : approvals.Any(approval => approval.State == ApprovalState.Pending) ? Extent.SomeWait
        : Extent.OnlyDecided;
}

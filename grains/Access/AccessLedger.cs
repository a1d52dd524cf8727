using Orleans.Storage;
using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Access;

/// <summary>
/// The order of all changes of principals and policies, kept by the one activation that makes them. A change takes three writes: the ledger
/// marks it pending, the row is written, the ledger marks it done. So readers cache nothing that may be changing, and learn afterwards what
/// to forget. A crash in between leaves a change pending; the next change closes it.
/// </summary>
/// <param name="storage">The sealed storage.</param>
internal sealed class AccessLedger(IGrainStorage storage)
{
    private const int MaxAttempts = 5;

    private readonly RowSlot<AccessLedgerRow> _slot = new(storage, AccessLedgerRow.Grain, RowNames.AccessLedger);

    /// <summary>The stamp for a row written within a change; it exposes an older copy of the row.</summary>
    public long Stamp { get; private set; }

    /// <summary>Makes a change.</summary>
    /// <param name="name">What changes: <c>principal:</c> or <c>policy:</c> and its name.</param>
    /// <param name="write">Writes its row, stamped with <see cref="Stamp"/>.</param>
    /// <exception cref="InconsistentStateException">Another activation is making changes; this one must end.</exception>
    /// <exception cref="StorageFailedException">The database failed; the change may or may not have been made.</exception>
    public async Task Change(string name, Func<Task> write)
    {
        await Open();
        await Put(name, isPending: true, minStamp: 0);
        var stamp = Stamp = _slot.Row!.Revision;
        try
        {
            await write();
        }
        catch (StorageFailedException e) when (!e.OutcomeUnknown)
        {
            // Closed even on failure, or readers would look it up again and again. If closing fails too, the next change closes it.
            await Close(name, minStamp: 0);
            throw;
        }

        await Close(name, stamp);
    }

    /// <summary>Reads the ledger, and closes a change that an earlier activation may have left pending.</summary>
    private async Task Open()
    {
        while (_slot.NeedsRead)
        {
            await _slot.Read();
        }

        if (_slot.Row?.Pending is { } left)
        {
            await Put(left, isPending: false, minStamp: 0);
        }
    }

    /// <summary>
    /// Closes a change, even if another activation has closed it or begun its own while the row was written: what readers learned from that
    /// one may be older than the row.
    /// </summary>
    private async Task Close(string name, long minStamp)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await Put(name, isPending: false, minStamp);
                return;
            }
            catch (InconsistentStateException) when (attempt < MaxAttempts)
            {
                await _slot.Read();
            }
        }
    }

    private Task Put(string name, bool isPending, long minStamp)
    {
        var last = _slot.Row ?? new AccessLedgerRow { Incarnation = Incarnation.New() };
        // A change that another activation is making stays pending.
        var next = last.With(last.Revision + 1, name, isPending, minStamp);
        return _slot.Write(!isPending && last.Pending is { } other && other != name ? next with { Pending = other } : next);
    }
}

using Orleans.Storage;
using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Access;

/// <summary>
/// The order of all changes of principals and policies, as the one activation that makes them keeps it. A change is three writes: the
/// ledger says what is being changed, the row is written, the ledger says that it is done. So who reads keeps nothing of what may be
/// changing, and knows afterwards what to forget; and a crash in between leaves a change open, which the next one closes.
/// </summary>
/// <param name="storage">The sealed storage.</param>
internal sealed class AccessLedger(IGrainStorage storage)
{
    private const int MaxAttempts = 5;

    private readonly RowSlot<AccessLedgerRow> _slot = new(storage, AccessLedgerRow.Grain, RowNames.AccessLedger);

    /// <summary>What a row that is written within a change is stamped with: so that an older copy of it is known for one.</summary>
    public long Stamp { get; private set; }

    /// <summary>Makes a change.</summary>
    /// <param name="name">What is changed: <c>principal:</c> or <c>policy:</c> and its name.</param>
    /// <param name="write">Writes its row, stamped with <see cref="Stamp"/>.</param>
    /// <exception cref="InconsistentStateException">Another activation makes changes; this one must end.</exception>
    /// <exception cref="StorageFailedException">The database failed; whether the change was made may be unknown.</exception>
    public async Task Change(string name, Func<Task> write)
    {
        await Open();
        await Put(name, isPending: true, least: 0);
        var stamp = Stamp = _slot.Row!.Revision;
        try
        {
            await write();
        }
        catch (StorageFailedException e) when (!e.OutcomeUnknown)
        {
            // Not left open: others would ask for it again and again. If this fails, too, the next change closes it.
            await Close(name, least: 0);
            throw;
        }

        await Close(name, stamp);
    }

    /// <summary>Reads the ledger, and closes what an activation before this one may have left open.</summary>
    private async Task Open()
    {
        while (_slot.NeedsRead)
        {
            await _slot.Read();
        }

        if (_slot.Row?.Pending is { } left)
        {
            await Put(left, isPending: false, least: 0);
        }
    }

    /// <summary>
    /// Closes a change, also where another activation has closed it, or begun one of its own, while the row was written: what that one
    /// told of the row may be older than the row.
    /// </summary>
    private async Task Close(string name, long least)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await Put(name, isPending: false, least);
                return;
            }
            catch (InconsistentStateException) when (attempt < MaxAttempts)
            {
                await _slot.Read();
            }
        }
    }

    private Task Put(string name, bool isPending, long least)
    {
        var last = _slot.Row ?? new AccessLedgerRow { Incarnation = Incarnation.New() };
        // What another activation is changing stays open.
        var next = last.With(last.Revision + 1, name, isPending, least);
        return _slot.Write(!isPending && last.Pending is { } other && other != name ? next with { Pending = other } : next);
    }
}

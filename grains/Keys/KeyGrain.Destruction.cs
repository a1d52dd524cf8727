using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys;

// The destruction of versions: each waits, and what is due is erased by whoever looks at the key first, at the latest by the
// key's reminder, which is set for the next of all that wait.
public sealed partial class KeyGrain
{
    private Task<KeyDescription> ScheduleDestruction(Caller caller, int version, TimeSpan? after) => InTurn(async () =>
    {
        var delay = after ?? KeyRequestRules.DefaultDestructionDelay(_options);
        KeyRequestRules.CheckDelay(delay, _options);
        var at = await _erasures.After(delay);
        var (row, next) = await Prepare(row => KeyChanges.ScheduleDestruction(row, version, at, isRescheduled: after is not null, _epoch.Number));
        if (next != row)
        {
            RequireKnownToAllSilos();
            await RequireReminder(next);
        }

        var description = await Commit(row, next, caller, KmsOperation.ScheduleDestruction.Verb, version);

        // Again after the commit, as with the deletion of a key: another activation may have set it, before that, for what it knew.
        await Remind(_slot.Row!);
        return delay == TimeSpan.Zero ? Described(await Current()) : description;
    });

    private Task<KeyDescription> CancelDestruction(Caller caller, int version) => InTurn(async () =>
    {
        var (row, next) = await Prepare(row => KeyChanges.CancelDestruction(row, version));
        var reminder = await FindDeletionReminder();
        var description = await Commit(row, next, caller, KmsOperation.CancelDestruction.Verb, version);
        await ForgetIfNothingIsLeft(reminder);
        return description;
    });

    /// <summary>Erases what is due of the key: all of it, or versions.</summary>
    private async Task<KeyRow> EraseDue(KeyRow row)
    {
        if (row is { State: KeyState.PendingDeletion, DeletionAt: { } at } && await _erasures.IsPast(at) && !await Rests(row.Epoch))
        {
            row = await Write(row, KeyChanges.Destroy(row));
            await _changes.KeyChanged(Id, "destroy", row.PrimaryVersion, null, _self);
            return await Erase(row);
        }

        var now = (await _erasures.Read()).Earlier;
        var due = KeyErasures.Due(row, now, restingBelow: await Rests(0) ? _epoch.Number : 0);
        if (due.Count == 0)
        {
            return row;
        }

        row = await Write(row, KeyChanges.DestroyVersions(row, due));
        foreach (var version in due)
        {
            await _changes.KeyChanged(Id, "destroy-version", row.PrimaryVersion, version, _self);
        }

        return await Erase(row);
    }

    /// <summary>
    /// To an older program a row with such a version does not open. So none is written while one may run: below feature level 3,
    /// unless the database was never used by one.
    /// </summary>
    private void RequireKnownToAllSilos()
    {
        if (!_levels.AllKnowPendingDestruction)
        {
            throw KmsError.Conflict.Exception(
                "Versions can be destroyed once the upgrade is finished: upgrade every silo and gateway, then run raise-feature-level.");
        }
    }
}

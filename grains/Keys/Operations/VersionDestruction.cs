using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>Destroys single versions. Each destruction waits first; <see cref="Erasure"/> erases what is due.</summary>
internal static class VersionDestruction
{
    public static Task<KeyDescription> Schedule(KeyActivation key, Caller caller, int version, TimeSpan? after) => GuardedChange.Run(
        key, caller, KmsOperation.ScheduleDestruction, operation => operation with { Version = version, After = after });

    public static Task<KeyDescription> Cancel(KeyActivation key, Caller caller, int version) =>
        GuardedChange.Run(key, caller, KmsOperation.CancelDestruction, operation => operation with { Version = version });
}

/// <summary>Schedules a destruction. The waiting period starts when this is carried out.</summary>
internal sealed class DestructionSchedule(RequestedOperation request) : KeyChange(request)
{
    private TimeSpan _delay;
    private DateTimeOffset _at;

    /// <inheritdoc/>
    public override async Task Begin(KeyActivation key)
    {
        _delay = Request.After ?? KeyRequestRules.DefaultDestructionDelay(key.Services.Options);
        KeyRequestRules.CheckDelay(_delay, key.Services.Options);
        _at = await key.Services.Erasures.After(_delay);
    }

    /// <inheritdoc/>
    public override KeyRow Apply(KeyActivation key, KeyRow row) => KeyChanges.ScheduleDestruction(
        row, Request.Version!.Value, _at, isRescheduled: Request.After is not null, key.Services.Epoch.Number);

    /// <inheritdoc/>
    public override async Task<KeyDescription> Commit(KeyActivation key, KeyRow row, KeyRow next, Caller caller, string? reason = null)
    {
        if (next != row)
        {
            RequireKnownToAllSilos(key.Services);
            await key.Reminder.Require(next);
        }

        var description = await base.Commit(key, row, next, caller, reason);

        // Again after the commit, as for a deletion: another activation may have moved it before, going by an older row.
        await key.Reminder.Set(key.Slot.Row!);
        return _delay == TimeSpan.Zero ? RowChange.Described(key, await key.Current()) : description;
    }

    /// <summary>
    /// An older version cannot open a row with such a key version. So none is written while one may be running: below feature level 3,
    /// unless no older version ever used the database.
    /// </summary>
    private static void RequireKnownToAllSilos(KeyServices services)
    {
        if (!services.Levels.AllKnowPendingDestruction)
        {
            throw KmsError.Conflict.Exception(
                "Versions can be destroyed only after the upgrade: upgrade every silo and gateway, then run okms raise-feature-level.");
        }
    }
}

/// <summary>Cancels a destruction.</summary>
internal sealed class DestructionCancellation(RequestedOperation request) : KeyChange(request)
{
    /// <inheritdoc/>
    public override KeyRow Apply(KeyActivation key, KeyRow row) => KeyChanges.CancelDestruction(row, Request.Version!.Value);

    /// <inheritdoc/>
    public override async Task<KeyDescription> Commit(KeyActivation key, KeyRow row, KeyRow next, Caller caller, string? reason = null)
    {
        var reminder = await key.Reminder.Find();
        var description = await base.Commit(key, row, next, caller, reason);
        await key.Reminder.RemoveIfDone(reminder);
        return description;
    }
}

using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.Lifecycle;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>Destroys single versions. Each destruction waits first; <see cref="Erasure"/> erases what is due.</summary>
internal static class VersionDestruction
{
    public static Task<KeyDescription> Schedule(KeyActivation key, Caller caller, int version, TimeSpan? after) => key.Gate.RunInTurn(
        KeyGate.Enter(KmsOperation.ScheduleDestruction, caller) with { Version = version },
        async () =>
        {
            var services = key.Services;
            var delay = after ?? KeyRequestRules.DefaultDestructionDelay(services.Options);
            KeyRequestRules.CheckDelay(delay, services.Options);
            var at = await services.Erasures.After(delay);
            var (row, next) = await RowChange.Prepare(
                key, row => KeyChanges.ScheduleDestruction(row, version, at, isRescheduled: after is not null, services.Epoch.Number));
            if (next != row)
            {
                RequireKnownToAllSilos(services);
                await key.Reminder.Require(next);
            }

            var description = await RowChange.Commit(key, row, next, caller, KmsOperation.ScheduleDestruction.Verb, version);

            // Again after the commit, as with a deletion: another activation may have moved it before, by what it knew.
            await key.Reminder.Set(key.Slot.Row!);
            return delay == TimeSpan.Zero ? RowChange.Described(key, await key.Current()) : description;
        });

    public static Task<KeyDescription> Cancel(KeyActivation key, Caller caller, int version) => key.Gate.RunInTurn(
        KeyGate.Enter(KmsOperation.CancelDestruction, caller) with { Version = version },
        async () =>
        {
            var (row, next) = await RowChange.Prepare(key, row => KeyChanges.CancelDestruction(row, version));
            var reminder = await key.Reminder.Find();
            var description = await RowChange.Commit(key, row, next, caller, KmsOperation.CancelDestruction.Verb, version);
            await key.Reminder.RemoveIfDone(reminder);
            return description;
        });

    /// <summary>
    /// An older program cannot open a row with such a version. So none is written while one may be running: below feature level
    /// 3, unless the database was never used by one.
    /// </summary>
    private static void RequireKnownToAllSilos(KeyServices services)
    {
        if (!services.Levels.AllKnowPendingDestruction)
        {
            throw KmsError.Conflict.Exception(
                "Versions can be destroyed once the upgrade is finished: upgrade every silo and gateway, then run raise-feature-level.");
        }
    }
}

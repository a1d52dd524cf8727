using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.Lifecycle;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>Deletes the key. The deletion waits first; <see cref="Erasure"/> erases what is due.</summary>
internal static class KeyDeletion
{
    public static Task<KeyDescription> Schedule(KeyActivation key, ScheduleDeletion request) => key.Gate.RunInTurn(
        KeyGate.Enter(KmsOperation.ScheduleDeletion, request.Caller),
        async () =>
        {
            KeyRequestRules.CheckDelay(request.After, key.Services.Options);
            var at = await key.Services.Erasures.After(request.After);
            var (row, next) = await RowChange.Prepare(key, row => KeyChanges.ScheduleDeletion(row, at));

            // Before the commit: a reminder without a due deletion does nothing, while a deletion without a reminder would never
            // happen. And since both are in one database, every backup with the deletion has the reminder.
            await key.Reminder.Require(next);
            var description = await RowChange.Commit(key, row, next, request.Caller, KmsOperation.ScheduleDeletion.Verb);

            // And after it: another activation may have removed the reminder before the commit, as left over from a cancelled
            // deletion. One that tries to from here on finds the commit, or has an ETag that is no longer valid.
            await key.Reminder.Set(key.Slot.Row!);
            return description;
        });

    public static Task<KeyDescription> Cancel(KeyActivation key, KeyCommand request) => key.Gate.RunInTurn(
        KeyGate.Enter(KmsOperation.CancelDeletion, request.Caller),
        async () =>
        {
            var (row, next) = await RowChange.Prepare(key, KeyChanges.CancelDeletion);
            var reminder = await key.Reminder.Find();
            var description = await RowChange.Commit(key, row, next, request.Caller, KmsOperation.CancelDeletion.Verb);
            await key.Reminder.RemoveIfDone(reminder);
            return description;
        });
}

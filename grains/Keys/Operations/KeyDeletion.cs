using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>Deletes the key. The deletion waits first; <see cref="Erasure"/> erases what is due.</summary>
internal static class KeyDeletion
{
    public static Task<KeyDescription> Schedule(KeyActivation key, ScheduleDeletion request) =>
        GuardedChange.Run(key, request.Caller, KmsOperation.ScheduleDeletion, operation => operation with { After = request.After });

    public static Task<KeyDescription> Cancel(KeyActivation key, KeyCommand request) =>
        GuardedChange.Run(key, request.Caller, KmsOperation.CancelDeletion);
}

/// <summary>Schedules a deletion. The waiting period starts when this is carried out.</summary>
internal sealed class DeletionSchedule(RequestedOperation request) : KeyChange(request)
{
    private DateTimeOffset _at;

    /// <inheritdoc/>
    public override async Task Begin(KeyActivation key)
    {
        var after = Request.After!.Value;
        KeyRequestRules.CheckDelay(after, key.Services.Options);
        _at = await key.Services.Erasures.After(after);
    }

    /// <inheritdoc/>
    public override KeyRow Apply(KeyActivation key, KeyRow row) => KeyChanges.ScheduleDeletion(row, _at);

    /// <inheritdoc/>
    public override async Task<KeyDescription> Commit(KeyActivation key, KeyRow row, KeyRow next, Caller caller, string? reason = null)
    {
        // Before the commit: a reminder without a due deletion does nothing, while a deletion without a reminder would never
        // happen. And since both are in one database, every backup with the deletion has the reminder.
        await key.Reminder.Require(next);
        var description = await base.Commit(key, row, next, caller, reason);

        // And after it: another activation may have removed the reminder before the commit, as left over from a cancelled
        // deletion. One that tries to from here on finds the commit, or has an ETag that is no longer valid.
        await key.Reminder.Set(key.Slot.Row!);
        return description;
    }
}

/// <summary>Cancels a deletion.</summary>
internal sealed class DeletionCancellation(RequestedOperation request) : KeyChange(request)
{
    /// <inheritdoc/>
    public override KeyRow Apply(KeyActivation key, KeyRow row) => KeyChanges.CancelDeletion(row);

    /// <inheritdoc/>
    public override async Task<KeyDescription> Commit(KeyActivation key, KeyRow row, KeyRow next, Caller caller, string? reason = null)
    {
        var reminder = await key.Reminder.Find();
        var description = await base.Commit(key, row, next, caller, reason);
        await key.Reminder.RemoveIfDone(reminder);
        return description;
    }
}

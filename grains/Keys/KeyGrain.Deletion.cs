using Microsoft.Extensions.Logging;

namespace OrleansKms.Grains.Keys;

// The end of the key, and of versions that could not be erased at once. For these alone there is a reminder, which survives the
// death of every silo.
public sealed partial class KeyGrain
{
    private const string DeletionReminder = "deletion";

    // A tick that is missed while the cluster is down waits one whole period.
    private static readonly TimeSpan _reminderPeriod = TimeSpan.FromMinutes(10);

    /// <inheritdoc/>
    public Task<KeyDescription> ScheduleDeletion(ScheduleDeletion request) => InTurn(async () =>
    {
        KeyRequestRules.Check(request, _options);
        var at = await _erasures.After(request.After);
        var (row, next) = await Prepare(row => KeyChanges.ScheduleDeletion(row, at));

        // Before the commit: a reminder without a due deletion does nothing, a deletion without a reminder would never happen.
        // And, being in the same database, every backup that has the deletion has the reminder.
        if (!await RemindOfDeletion(request.After))
        {
            throw KmsError.StorageUnavailable.Exception();
        }

        var description = await Commit(row, next, request.Caller, "schedule-deletion");

        // And after it: another activation may have taken the reminder, before the commit, for one of a deletion that was
        // cancelled. One that takes it so from here on finds the commit, or has an ETag that is not valid any more.
        await RemindOfDeletion(request.After);
        return description;
    });

    /// <inheritdoc/>
    public Task<KeyDescription> CancelDeletion(KeyCommand request) => InTurn(async () =>
    {
        var (row, next) = await Prepare(KeyChanges.CancelDeletion);
        var reminder = await FindDeletionReminder();
        var description = await Commit(row, next, request.Caller, "cancel-deletion");
        if (_slot.Row is not { ErasePending.Count: > 0 })
        {
            await Forget(reminder);
        }

        return description;
    });

    /// <summary>
    /// Erases the material when the deletion is due; otherwise nothing. The reminder goes when nothing is left to do: not while
    /// destroyed material is still stored, and, since its ETag is read before the row is, not when the deletion was scheduled
    /// anew meanwhile.
    /// </summary>
    async Task IRemindable.ReceiveReminder(string reminderName, Orleans.Runtime.TickStatus status)
    {
        var reminder = await FindDeletionReminder();
        try
        {
            // As it is stored, not as this activation knows it.
            _slot.Invalidate();
            var row = await InTurn(Current, isRepeatable: true);
            if (row.State != KeyState.PendingDeletion && row.ErasePending.Count == 0)
            {
                await Forget(reminder);
            }
        }
        catch (KmsException e) when (e.Code == KmsError.KeyNotFound.Code)
        {
            // The reminder was set and the create or schedule it belonged to never committed.
            await Forget(reminder);
        }
        catch (KmsException e)
        {
            LogReminderFailed(Id, e.Code);
        }
    }

    /// <summary>Sets the reminder, or sets it anew.</summary>
    /// <returns>Whether it is set.</returns>
    private async Task<bool> RemindOfDeletion(TimeSpan after)
    {
        try
        {
            await this.RegisterOrUpdateReminder(DeletionReminder, after + TimeSpan.FromSeconds(1), _reminderPeriod);
            return true;
        }
        catch (Exception e)
        {
            LogReminderStorageFailed(Id, e);
            return false;
        }
    }

    private async Task<bool> HasDeletionReminder()
    {
        try
        {
            return await this.GetReminder(DeletionReminder) is not null;
        }
        catch (Exception e)
        {
            // Not known, and nothing to answer for: whoever comes next looks again.
            LogReminderStorageFailed(Id, e);
            return true;
        }
    }

    private async Task<IGrainReminder?> FindDeletionReminder()
    {
        try
        {
            return await this.GetReminder(DeletionReminder);
        }
        catch (Exception e)
        {
            LogReminderStorageFailed(Id, e);
            return null;
        }
    }

    private async Task Forget(IGrainReminder? reminder)
    {
        if (reminder is null)
        {
            return;
        }

        try
        {
            await this.UnregisterReminder(reminder);
        }
        catch (Exception e)
        {
            // A reminder that stays does nothing but come again, and is then removed.
            LogReminderStorageFailed(Id, e);
        }
    }

    [LoggerMessage(LogLevel.Warning, "key {KeyId}: reminder storage failed")]
    private partial void LogReminderStorageFailed(string keyId, Exception exception);

    [LoggerMessage(LogLevel.Warning, "key {KeyId}: the deletion reminder found {Code}")]
    private partial void LogReminderFailed(string keyId, string code);
}

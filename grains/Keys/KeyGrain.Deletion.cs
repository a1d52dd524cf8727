using Microsoft.Extensions.Logging;
using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys;

// The end of the key, and its one reminder, which survives the death of every silo: for the key, for versions that are to be
// destroyed, and for what could not be erased at once.
public sealed partial class KeyGrain
{
    private const string DeletionReminder = "deletion";

    // A tick that is missed while the cluster is down waits one whole period.
    private static readonly TimeSpan _reminderPeriod = TimeSpan.FromMinutes(10);

    /// <inheritdoc/>
    public Task<KeyDescription> ScheduleDeletion(ScheduleDeletion request) => InTurn(async () =>
    {
        KeyRequestRules.CheckDelay(request.After, _options);
        var at = await _erasures.After(request.After);
        var (row, next) = await Prepare(row => KeyChanges.ScheduleDeletion(row, at));

        // Before the commit: a reminder without a due deletion does nothing, a deletion without a reminder would never happen.
        // And, being in the same database, every backup that has the deletion has the reminder.
        await RequireReminder(next);
        var description = await Commit(row, next, request.Caller, KmsOperation.ScheduleDeletion.Verb);

        // And after it: another activation may have taken the reminder, before the commit, for one of a deletion that was
        // cancelled. One that takes it so from here on finds the commit, or has an ETag that is not valid any more.
        await Remind(_slot.Row!);
        return description;
    });

    /// <inheritdoc/>
    public Task<KeyDescription> CancelDeletion(KeyCommand request) => InTurn(async () =>
    {
        var (row, next) = await Prepare(KeyChanges.CancelDeletion);
        var reminder = await FindDeletionReminder();
        var description = await Commit(row, next, request.Caller, KmsOperation.CancelDeletion.Verb);
        await ForgetIfNothingIsLeft(reminder);
        return description;
    });

    /// <summary>
    /// Erases what is due; otherwise nothing. The reminder goes when nothing is left to do: not while destroyed material is still
    /// stored, and, since its ETag is read before the row is, not when something was scheduled anew meanwhile. While something
    /// waits it is set for that, and does not come every ten minutes for months.
    /// </summary>
    async Task IRemindable.ReceiveReminder(string reminderName, Orleans.Runtime.TickStatus status)
    {
        var reminder = await FindDeletionReminder();
        try
        {
            // As it is stored, not as this activation knows it.
            _slot.Invalidate();
            var row = await InTurn(Current, isRepeatable: true);
            await ForgetIfNothingIsLeft(reminder);
            while (row.ErasePending.Count == 0 && KeyErasures.Next(row) is { } next && next - Now > _reminderPeriod && await Remind(row))
            {
                // What was scheduled since the row was read, for earlier, has set a reminder that is gone now.
                _slot.Invalidate();
                row = await InTurn(Current, isRepeatable: true);
                if (KeyErasures.Next(row) >= next)
                {
                    break;
                }
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

    /// <summary>Sets the reminder for what a row says, before the row is written.</summary>
    /// <exception cref="KmsException">storage_unavailable.</exception>
    private async Task RequireReminder(KeyRow next)
    {
        if (!await Remind(next))
        {
            throw KmsError.StorageUnavailable.Exception();
        }
    }

    /// <summary>Sets the reminder, or sets it anew, for the first that is to be done of a key.</summary>
    /// <returns>Whether it is set, or there is nothing to be done.</returns>
    private async Task<bool> Remind(KeyRow row)
    {
        var now = Now;
        var next = KeyErasures.Next(row);
        if (row.ErasePending.Count > 0 && !(next < now + _reminderPeriod))
        {
            next = now + _reminderPeriod;
        }

        if (next is not { } at)
        {
            return true;
        }

        var after = at > now ? at - now : TimeSpan.Zero;
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

    /// <summary>Removes a reminder that was read before the row was, if there is nothing for which it would come.</summary>
    private async Task ForgetIfNothingIsLeft(IGrainReminder? reminder)
    {
        if (_slot.Row is { ErasePending.Count: 0 } row && KeyErasures.Next(row) is null)
        {
            await Forget(reminder);
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

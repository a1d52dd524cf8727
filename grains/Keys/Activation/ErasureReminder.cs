using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys.Activation;

/// <summary>
/// The key's one reminder, which survives the death of every silo: for the end of the key, for versions to be destroyed, and for
/// what could not be erased at once.
/// </summary>
internal sealed class ErasureReminder(KeyActivation key)
{
    private const string Name = "deletion";

    // A tick missed while the cluster is down waits one whole period.
    private static readonly TimeSpan _period = TimeSpan.FromMinutes(10);

    /// <summary>
    /// The reminder ticks: erases what is due, if anything. It is removed when nothing is left to do, but not while destroyed
    /// material is still stored; and since its ETag is read before the row, not when something was scheduled in the meantime.
    /// While something waits, it is set for that time instead of ticking every ten minutes for months.
    /// </summary>
    public async Task Tick()
    {
        var reminder = await Find();
        try
        {
            var row = await Stored();
            await RemoveIfDone(reminder);
            while (row.ErasePending.Count == 0 && KeyErasures.Next(row) is { } next && next - key.Now > _period && await Set(row))
            {
                // A schedule for an earlier time, made since the row was read, has set a reminder that is gone now.
                row = await Stored();
                if (KeyErasures.Next(row) >= next)
                {
                    break;
                }
            }
        }
        catch (KmsException e) when (e.Code == KmsError.KeyNotFound.Code)
        {
            // It was set, but the create or schedule that it belongs to never committed.
            await Remove(reminder);
        }
        catch (KmsException e)
        {
            key.Services.Logger.ReminderFailed(key.Id, e.Code);
        }
    }

    /// <summary>Sets it for the next row, before that is written.</summary>
    /// <exception cref="KmsException">storage_unavailable.</exception>
    public async Task Require(KeyRow next)
    {
        if (!await Set(next))
        {
            throw KmsError.StorageUnavailable.Exception();
        }
    }

    /// <summary>Sets it, or moves it, to the first thing to be done for a key.</summary>
    /// <returns>Whether it is set, or nothing is to be done.</returns>
    public async Task<bool> Set(KeyRow row)
    {
        var now = key.Now;
        var next = KeyErasures.Next(row);
        if (row.ErasePending.Count > 0 && !(next < now + _period))
        {
            next = now + _period;
        }

        if (next is not { } at)
        {
            return true;
        }

        var after = at > now ? at - now : TimeSpan.Zero;
        try
        {
            await key.Grain.RegisterOrUpdateReminder(Name, after + TimeSpan.FromSeconds(1), _period);
            return true;
        }
        catch (Exception e)
        {
            key.Services.Logger.ReminderStorageFailed(key.Id, e);
            return false;
        }
    }

    /// <summary>Whether it is set. When that is unknown, the next caller looks again.</summary>
    public async Task<bool> IsSet()
    {
        try
        {
            return await key.Grain.GetReminder(Name) is not null;
        }
        catch (Exception e)
        {
            key.Services.Logger.ReminderStorageFailed(key.Id, e);
            return true;
        }
    }

    /// <summary>The reminder; null when there is none or it cannot be read.</summary>
    public async Task<IGrainReminder?> Find()
    {
        try
        {
            return await key.Grain.GetReminder(Name);
        }
        catch (Exception e)
        {
            key.Services.Logger.ReminderStorageFailed(key.Id, e);
            return null;
        }
    }

    /// <summary>Removes a reminder that was read before the row, if nothing is left for it to do.</summary>
    public async Task RemoveIfDone(IGrainReminder? reminder)
    {
        if (key.Slot.Row is { ErasePending.Count: 0 } row && KeyErasures.Next(row) is null)
        {
            await Remove(reminder);
        }
    }

    private async Task Remove(IGrainReminder? reminder)
    {
        if (reminder is null)
        {
            return;
        }

        try
        {
            await key.Grain.UnregisterReminder(reminder);
        }
        catch (Exception e)
        {
            // If it stays, it only ticks again, and is removed then.
            key.Services.Logger.ReminderStorageFailed(key.Id, e);
        }
    }

    // As stored, not as this activation knows it.
    private async Task<KeyRow> Stored()
    {
        key.Slot.Invalidate();
        return (await key.Gate.TryRunInTurn(key.Current, isRepeatable: true)).AnswerOrThrow();
    }
}

namespace OrleansKms.Grains.Keys.Activation;

/// <summary>
/// A reminder that erases the parameters of imports once they have expired, also of a key that nobody uses. It is set before they are
/// stored; one without parameters does nothing.
/// </summary>
internal sealed class ImportReminder(KeyActivation key)
{
    /// <summary>Its name.</summary>
    public const string Name = "imports";

    // A tick missed while the cluster is down waits one whole period.
    private static readonly TimeSpan _period = TimeSpan.FromMinutes(10);

    /// <summary>Sets it for a time.</summary>
    /// <exception cref="KmsException">storage_unavailable.</exception>
    public async Task Require(DateTimeOffset at)
    {
        try
        {
            await Set(at);
        }
        catch (Exception e)
        {
            key.Services.Logger.ReminderStorageFailed(key.Id, e);
            throw KmsError.StorageUnavailable.Exception();
        }
    }

    /// <summary>
    /// It ticks. It is removed when nothing is left, by its ETag from before the row was read: so not if parameters were made meanwhile.
    /// </summary>
    public async Task Tick()
    {
        try
        {
            var reminder = await key.Grain.GetReminder(Name);
            if (await EraseExpired() is { } next)
            {
                await Set(next);
            }
            else if (reminder is not null)
            {
                await key.Grain.UnregisterReminder(reminder);
            }
        }
        catch (Exception e)
        {
            // It comes again.
            key.Services.Logger.ReminderStorageFailed(key.Id, e);
        }
    }

    private async Task<DateTimeOffset?> EraseExpired()
    {
        try
        {
            return await ImportOffers.EraseExpired(key, await key.Load());
        }
        catch (KmsException e) when (e.Error == KmsError.KeyNotFound)
        {
            return null;
        }
        finally
        {
            key.Gate.EndIfAbsent();
        }
    }

    private async Task Set(DateTimeOffset at)
    {
        var after = at > key.Now ? at - key.Now : TimeSpan.Zero;
        await key.Grain.RegisterOrUpdateReminder(Name, after + TimeSpan.FromSeconds(1), _period);
    }
}

using Orleans.Storage;
using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Keys.Activation;

/// <summary>
/// The end of material: what is due is erased by whoever looks at the key first, at the latest by the key's reminder, which is set
/// for the next of all that wait.
/// </summary>
internal static class Erasure
{
    /// <summary>Erases what is due of the key: all of it, or versions.</summary>
    public static async Task<KeyRow> EraseDue(KeyActivation key, KeyRow row)
    {
        var (erasures, changes) = (key.Services.Erasures, key.Services.Changes);
        if (row is { State: KeyState.PendingDeletion, DeletionAt: { } at } && await erasures.IsPast(at) && !await Rests(key, row.Epoch))
        {
            row = await key.Write(row, KeyChanges.Destroy(row));
            await changes.KeyChanged(key.Id, "destroy", row.PrimaryVersion, null, KeyServices.Self);
            return await Erase(key, row);
        }

        var now = (await erasures.Read()).Earlier;
        var due = KeyErasures.Due(row, now, restingBelow: await Rests(key, 0) ? key.Services.Epoch.Number : 0);
        if (due.Count == 0)
        {
            return row;
        }

        row = await key.Write(row, KeyChanges.DestroyVersions(row, due));
        foreach (var version in due)
        {
            await changes.KeyChanged(key.Id, "destroy-version", row.PrimaryVersion, version, KeyServices.Self);
        }

        return await Erase(key, row);
    }

    /// <summary>
    /// Erases the material of destroyed versions, where it is stored and where it lives. The destruction is committed already, so
    /// a failure here is not the caller's: it is repeated at the next activation, and a reminder sees to it that there is one.
    /// </summary>
    public static async Task<KeyRow> Erase(KeyActivation key, KeyRow row)
    {
        if (row.ErasePending.Count == 0)
        {
            return row;
        }

        try
        {
            await key.VersionRows.Erase(row);
            return ReferenceEquals(row, key.Slot.Row)
                ? await key.Write(row, row with { ErasePending = [] })
                : key.Slot.Row ?? row;
        }
        catch (Exception e) when (e is StorageFailedException or InconsistentStateException
            || (e as KmsException)?.Error == KmsError.HsmUnavailable)
        {
            // A lost race is one with another activation, or with a decryption that interleaved, that erases them too.
            key.Services.Logger.ErasePending(key.Id, row.ErasePending.Count, e);
            await key.Reminder.Set(row);
            return row;
        }
    }

    /// <summary>
    /// Whether the database was put back from a backup within a day and a deletion of this epoch is from before that: it may have
    /// been cancelled since the backup, and there must be time to do so again, since what an HSM destroys no backup brings back.
    /// </summary>
    private static async Task<bool> Rests(KeyActivation key, int epoch) =>
        epoch < key.Services.Epoch.Number
        && !await key.Services.Erasures.IsPast(key.Services.Epoch.StartedAt + KeyErasures.RestAfterRestore);
}

using Orleans.Storage;
using OrleansKms.Grains.Keys.History;
using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Keys.Activation;

/// <summary>
/// Erases material when it is due: by whoever looks at the key first, at the latest by the key's reminder, which is set for the
/// next erasure.
/// </summary>
internal static class Erasure
{
    /// <summary>Erases what is due: the whole key, or versions.</summary>
    public static async Task<KeyRow> EraseDue(KeyActivation key, KeyRow row)
    {
        var (erasures, changes) = (key.Services.Erasures, key.Services.Changes);
        if (row is { State: KeyState.PendingDeletion, DeletionAt: { } at } && await erasures.IsPast(at) && !await Rests(key, row.Epoch))
        {
            var before = row;
            row = await key.Write(row, KeyApprovals.FailAll(KeyChanges.Destroy(row), key.Now), new(KeyServices.Self, "destroy"));
            await ApprovalChange.TellOfTheOthers(key, before, row, but: null);
            await changes.KeyChanged(key.Id, "destroy", row.PrimaryVersion, null, row.Revision, KeyServices.Self);
            await EraseImports(key, row);
            return await Erase(key, row);
        }

        var now = (await erasures.Read()).Earlier;
        var due = KeyErasures.Due(row, now, restingBelow: await Rests(key, 0) ? key.Services.Epoch.Number : 0);
        if (due.Count == 0)
        {
            return row;
        }

        row = await key.Write(row, KeyChanges.DestroyVersions(row, due), Of("destroy-version", due));
        foreach (var version in due)
        {
            await changes.KeyChanged(key.Id, "destroy-version", row.PrimaryVersion, version, row.Revision, KeyServices.Self);
        }

        return await Erase(key, row);
    }

    /// <summary>
    /// Erases the material of destroyed versions, where it is stored and where it lives. The destruction is already committed, so
    /// a failure here is not the caller's: the next activation retries, and a reminder makes sure that there is one.
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
                ? await key.Write(row, row with { ErasePending = [] }, Of("erase", row.ErasePending))
                : key.Slot.Row ?? row;
        }
        catch (Exception e) when (e is StorageFailedException or InconsistentStateException
            || (e as KmsException)?.Error == KmsError.HsmUnavailable)
        {
            // The race was lost to another activation, or to an interleaved decryption, that erases them too.
            key.Services.Logger.ErasePending(key.Id, row.ErasePending.Count, e);
            await key.Reminder.Set(row);
            return row;
        }
    }

    /// <summary>Erases the private keys of imports that were not made; if that fails, their reminder does.</summary>
    private static async Task EraseImports(KeyActivation key, KeyRow row)
    {
        if (row.Origin != KeyOrigin.External)
        {
            return;
        }

        try
        {
            await ImportOffers.EraseExpired(key, row);
        }
        catch (Exception e) when (e is StorageFailedException or InconsistentStateException or KmsException)
        {
            key.Services.Logger.ErasePending(key.Id, 0, e);
        }
    }

    private static ChangeCause Of(string operation, IReadOnlyCollection<int> versions) => versions.Count == 1
        ? new(KeyServices.Self, operation, versions.First())
        : new(KeyServices.Self, operation, Reason: ChangeReasons.Versions(versions));

    /// <summary>
    /// Whether a deletion of an earlier epoch still rests because the database was restored within the last day: it may have been
    /// cancelled after the backup, and there must be time to cancel it again, since no backup brings back what an HSM destroys.
    /// </summary>
    private static async Task<bool> Rests(KeyActivation key, int epoch) =>
        epoch < key.Services.Epoch.Number
        && !await key.Services.Erasures.IsPast(key.Services.Epoch.StartedAt + KeyErasures.RestAfterRestore);
}

using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Keys.Lifecycle;

/// <summary>What a backup has of a key, and the key that is restored from it. Pure functions of the row.</summary>
internal static class KeyRestoration
{
    /// <summary>Requires that a key can be backed up.</summary>
    /// <exception cref="KmsException">The error of the key's state; not_exportable.</exception>
    public static void RequireBackedUp(KeyRow row)
    {
        if (row.State != KeyState.Disabled)
        {
            KeyLifecycle.RequireUsable(row.State);
        }

        if (row.Protection != KeyProtection.Software)
        {
            throw KmsError.NotExportable.Exception("The material of a key with protection hsm never leaves the HSM: back up the token.");
        }
    }

    /// <summary>The versions whose material a backup has.</summary>
    public static IEnumerable<int> Living(KeyRow row) => row.Versions.Where(v => v is { State: not KeyVersionState.Destroyed, IsPublicOnly: false }).Select(v => v.Version);

    /// <summary>
    /// The row as a backup has it: without what waits for approval, what is still to be erased, and all of the history but its end.
    /// </summary>
    public static KeyRow InBackup(KeyRow row) => row with
    {
        Incarnation = default,
        Material = null,
        Approvals = null,
        ErasePending = [],
        NextRotationAt = null,
        History = row.History is { } history ? new() { Count = history.Count, Head = history.Head, Whole = history.Whole, Newest = [] } : null,
    };

    /// <summary>Whether an authentic backup is of a key that can be restored: anything else is a program's error.</summary>
    /// <param name="row">The row in the backup.</param>
    /// <param name="material">The versions whose material it has.</param>
    public static bool IsWhole(KeyRow row, IEnumerable<int> material) =>
        row is { State: KeyState.Enabled or KeyState.Disabled, Protection: KeyProtection.Software, Versions: [{ Version: > 0 }, ..], Restoring: null }
        && row.PrimaryVersion == row.Versions[^1].Version
        && row.Versions.Zip(row.Versions.Skip(1)).All(pair => pair.First.Version < pair.Second.Version)
        && Living(row).SequenceEqual(material);

    /// <summary>The restored key, without its material.</summary>
    /// <param name="backup">The backup.</param>
    /// <param name="epoch">The restore epoch.</param>
    /// <param name="now">The time.</param>
    /// <param name="restsUntil">Until when versions that await destruction stay, at least.</param>
    public static KeyRow Restored(KeyBackupContent backup, RestoreEpoch epoch, DateTimeOffset now, DateTimeOffset restsUntil)
    {
        var row = backup.Key;
        return row with
        {
            RestoredUpTo = VersionNumbers.BaseOfRestoredKey(row.PrimaryVersion, epoch, now),
            Versions = [.. row.Versions.Select(v => Rested(v, epoch, restsUntil))],
            Restoring = backup.Counters,
            History = null,
        };
    }

    /// <summary>
    /// Requires that the primary version was made since the key was restored from its backup, if it was. Only a key that cannot make a
    /// version by itself has none since, and only one whose uses are limited needs one.
    /// </summary>
    /// <exception cref="KmsException">key_pending_import.</exception>
    public static void RequireMadeSince(KeyRow row)
    {
        if (row.PrimaryVersion <= row.RestoredUpTo)
        {
            throw KmsError.KeyPendingImport.Exception(
                "The key was restored from its backup. It still decrypts and verifies; to encrypt, import other material.");
        }
    }

    // As after a restore of the database: it may have been cancelled since the backup.
    private static KeyVersionEntry Rested(KeyVersionEntry version, RestoreEpoch epoch, DateTimeOffset restsUntil) =>
        version is { State: KeyVersionState.PendingDestruction, DestroyAt: { } at }
            ? version with { DestroyAt = at > restsUntil ? at : restsUntil, DestroyEpoch = epoch.Number }
            : version;
}

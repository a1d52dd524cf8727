using Orleans.Storage;
using OrleansKms.Grains.Keys.Backups;
using OrleansKms.Grains.Keys.History;
using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Sealing;

namespace OrleansKms.Grains.Keys.Activation;

/// <summary>
/// Completes a key that was restored from a backup. The write of the row <c>key</c> has committed the whole key; this gives the counters
/// and each older version their own rows. Nothing uses the key before, and whichever activation loads it first does this, however often a
/// crash has interrupted it: what is written never differs.
/// </summary>
internal static class RestoreCompletion
{
    private const int AtOnce = 16;

    /// <summary>Completes the key. Afterwards its row must be looked at again.</summary>
    /// <exception cref="KmsException">key_corrupted.</exception>
    public static async Task Complete(KeyActivation key, KeyRow row)
    {
        try
        {
            using var material = Open(key, row);
            var (destroyed, inDoubt) = await WriteVersions(key, row, material);
            if (inDoubt.Count > 0)
            {
                // Known before anything is replaced, so that no crash makes it forgotten. Then this begins again.
                var reason = "rows that do not open, so nobody knows whether they were destroyed: " + ChangeReasons.Versions(inDoubt);
                await key.Write(row, KeyChanges.WithDisabled(row, inDoubt), new(KeyServices.Self, "disable-version", Reason: reason));
                return;
            }

            await key.Usage.TakeOver(row.Incarnation, row.Restoring!);
            var left = await LeftVersions.Find(key, row);
            var completed = left.AddTo(Completed(key, row, material, destroyed));
            await Erasure.Erase(key, await key.Write(row, completed, Cause(destroyed, left)));
        }
        catch (InconsistentStateException)
        {
            // Another activation completes it, or has.
            key.LostRace();
        }
    }

    private static MaterialBundle Open(KeyActivation key, KeyRow row)
    {
        if (row.Material is not { } wrapped)
        {
            throw KmsError.KeyCorrupted.Exception();
        }

        using var opened = key.Services.Sealer.Open(new(key.Grain.GrainContext.GrainId, row.Incarnation, wrapped.Version), wrapped);
        return MaterialBundle.TryRead(opened.Span) ?? throw KmsError.KeyCorrupted.Exception();
    }

    /// <returns>
    /// The versions that were destroyed since the backup: the tombstones of a former life of the key say so. And those of which the row does
    /// not open.
    /// </returns>
    private static async Task<(List<int> Destroyed, List<int> InDoubt)> WriteVersions(KeyActivation key, KeyRow row, MaterialBundle material)
    {
        var (destroyed, inDoubt) = (new List<int>(), new List<int>());
        foreach (var some in material.Versions.Where(version => version <= row.RestoredUpTo).Chunk(AtOnce))
        {
            var written = await Task.WhenAll(some.Select(version => key.VersionRows.Restore(row, Wrap(key, row, material, version))));
            destroyed.AddRange(some.Where((_, i) => written[i] == VersionRestoration.Destroyed));
            inDoubt.AddRange(some.Where((_, i) => written[i] == VersionRestoration.InDoubt));
        }

        // A public key alone has no row before it is destroyed.
        foreach (var some in row.Versions.Where(v => v is { IsPublicOnly: true, State: not KeyVersionState.Destroyed }).Select(v => v.Version).Chunk(AtOnce))
        {
            var left = await Task.WhenAll(some.Select(key.VersionRows.Left));
            destroyed.AddRange(some.Where((_, i) => left[i].Exists));
        }

        return (destroyed, inDoubt);
    }

    private static KeyRow Completed(KeyActivation key, KeyRow row, MaterialBundle material, List<int> destroyed)
    {
        var hasNewest = material.Versions.Contains(row.PrimaryVersion);
        var completed = row with { Restoring = null, Material = hasNewest ? Wrap(key, row, material, row.PrimaryVersion) : null };
        return destroyed.Count == 0 ? completed : KeyChanges.WithDestroyed(completed, destroyed);
    }

    private static WrappedMaterial Wrap(KeyActivation key, KeyRow row, MaterialBundle material, int version) =>
        key.Services.Sealer.Wrap(new(key.Grain.GrainContext.GrainId, row.Incarnation, version), material.Of(version));

    private static ChangeCause? Cause(List<int> destroyed, LeftVersions left)
    {
        (string What, List<int> Versions)[] told =
        [
            ("destroyed since the backup: ", destroyed), ("made since the backup, erased: ", left.Erased),
            ("made since the backup, disabled: ", [.. left.Listed.Select(v => v.Version)]),
        ];
        var reason = string.Join("; ", told.Where(one => one.Versions.Count > 0).Select(one => one.What + ChangeReasons.Versions(one.Versions)));
        return reason.Length == 0 ? null
            : new(KeyServices.Self, destroyed.Count + left.Erased.Count > 0 ? "destroy-version" : "disable-version", Reason: reason);
    }
}

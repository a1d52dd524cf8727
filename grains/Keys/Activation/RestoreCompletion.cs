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
            var destroyed = await WriteVersions(key, row, material);
            await key.Usage.TakeOver(row.Incarnation, row.Restoring!);
            await key.Write(row, Completed(key, row, material, destroyed), Cause(destroyed));
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

    /// <returns>The versions that were destroyed since the backup: the tombstones of a former life of the key say so.</returns>
    private static async Task<List<int>> WriteVersions(KeyActivation key, KeyRow row, MaterialBundle material)
    {
        var destroyed = new List<int>();
        foreach (var some in material.Versions.Where(version => version <= row.RestoredUpTo).Chunk(AtOnce))
        {
            var written = await Task.WhenAll(some.Select(version => key.VersionRows.Restore(row, Wrap(key, row, material, version))));
            destroyed.AddRange(some.Where((_, i) => !written[i]));
        }

        return destroyed;
    }

    private static KeyRow Completed(KeyActivation key, KeyRow row, MaterialBundle material, List<int> destroyed)
    {
        var hasNewest = material.Versions.Contains(row.PrimaryVersion);
        var completed = row with { Restoring = null, Material = hasNewest ? Wrap(key, row, material, row.PrimaryVersion) : null };
        return destroyed.Count == 0 ? completed : KeyChanges.WithDestroyed(completed, destroyed);
    }

    private static WrappedMaterial Wrap(KeyActivation key, KeyRow row, MaterialBundle material, int version) =>
        key.Services.Sealer.Wrap(new(key.Grain.GrainContext.GrainId, row.Incarnation, version), material.Of(version));

    private static ChangeCause? Cause(List<int> destroyed) => destroyed.Count == 0 ? null
        : new(KeyServices.Self, "destroy-version", Reason: "destroyed since the backup: " + ChangeReasons.Versions(destroyed));
}

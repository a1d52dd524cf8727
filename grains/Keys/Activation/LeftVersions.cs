using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys.Activation;

/// <summary>
/// Versions that the backup of a restored key does not have, and whose rows a former life of the key has left: their material must not
/// outlive the key unseen. The key gets those that it can open, disabled; the others are erased.
/// </summary>
/// <param name="Listed">The versions that the key gets.</param>
/// <param name="Erased">The versions that are erased.</param>
internal sealed record LeftVersions(List<KeyVersionEntry> Listed, List<int> Erased)
{
    /// <summary>
    /// Finds them. A key numbers its versions without gaps but where a restore made its numbers jump, and what it made then it used: so they are
    /// next to one in the backup, or to one that the counters have. The counters must be loaded.
    /// </summary>
    public static async Task<LeftVersions> Find(KeyActivation key, KeyRow row)
    {
        var left = new LeftVersions([], []);
        var seen = new HashSet<int>();
        int[] starts = [.. key.Usage.Meters.Select(m => m.Version), .. row.Versions.Where(v => v.Version <= row.RestoredUpTo).TakeLast(1).Select(v => v.Version + 1)];
        foreach (var start in starts)
        {
            for (var version = start; await left.Look(key, row, version, seen); version++)
            {
            }

            for (var version = start - 1; await left.Look(key, row, version, seen); version--)
            {
            }
        }

        return left;
    }

    /// <summary>The key with them.</summary>
    public KeyRow AddTo(KeyRow row) => Listed.Count + Erased.Count == 0 ? row : row with
    {
        Versions = [.. row.Versions.Concat(Listed).OrderBy(v => v.Version)],
        ErasePending = [.. row.ErasePending.Union(Erased).Order()],
    };

    /// <returns>Whether there is a row of a version that the key does not know, and that was not looked at before.</returns>
    private async Task<bool> Look(KeyActivation key, KeyRow row, int version, HashSet<int> seen)
    {
        if (version < 1 || version > row.RestoredUpTo || row.Find(version) is not null || !seen.Add(version))
        {
            return false;
        }

        var (exists, there) = await key.VersionRows.Left(version);
        if (!exists || there is { Material: null })
        {
            return exists;
        }

        if (there is not null && version < row.PrimaryVersion && TryOpen(key, row, there) is { } entry)
        {
            Listed.Add(entry);
        }
        else
        {
            Erased.Add(version);
        }

        return true;
    }

    private static KeyVersionEntry? TryOpen(KeyActivation key, KeyRow row, KeyVersionRow there)
    {
        if (there.Incarnation != row.Incarnation || !KeyAlgorithms.TryFind(row.Spec, out var algorithm))
        {
            return null;
        }

        try
        {
            using var kept = key.Services.Sealer.Open(new(key.Grain.GrainContext.GrainId, row.Incarnation, there.Version), there.Material!);
            return new(there.Version, KeyVersionState.Disabled, key.Now) { PublicKey = algorithm.PublicPart(kept.Span) };
        }
        catch (KmsException e) when (e.Error == KmsError.KeyCorrupted)
        {
            return null;
        }
    }
}

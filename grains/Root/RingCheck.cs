using OrleansKms.Grains.Sealing;

namespace OrleansKms.Grains.Root;

/// <summary>Compares the tables with the manifest. Pure functions of what was read and opened.</summary>
internal static class RingCheck
{
    /// <summary>What is wrong with the tables, given an authentic manifest.</summary>
    /// <returns>Null when they agree.</returns>
    public static string? Disagreement(RingManifest manifest, IReadOnlyCollection<StoredKek> stored)
    {
        if (stored.FirstOrDefault(k => !manifest.Keks.ContainsKey(k.Id)) is { } foreign)
        {
            return $"the KEK {foreign.Id} is in the table okms_kek and not in the manifest: somebody else has put it there, or put it back";
        }

        if (stored.FirstOrDefault(k => k.IsCurrent)?.Id is var current && current != manifest.Current)
        {
            return $"the table okms_kek says that the current KEK is {current?.ToString() ?? "none"}, and the manifest that it is {manifest.Current}";
        }

        var missing = manifest.Keks.Keys.Except(stored.Select(k => k.Id)).OrderBy(id => (id.High, id.Low)).ToList();
        return missing.Count == 0 ? null : $"the KEK {missing[0]} is in the manifest and not in the table okms_kek any more";
    }

    /// <summary>Why a KEK shows that the manifest is not the newest of this installation; null when it does not.</summary>
    /// <remarks>
    /// The tables and the manifest can be put back to an earlier state; but whatever was sealed since is under a KEK that says
    /// when it was made.
    /// </remarks>
    public static string? WhyOutdated(RingManifest? manifest, KekId id, KekBirth? birth) => (manifest, birth) switch
    {
        (_, null) => null,
        (null, _) => $"the KEK {id} was listed in a manifest, and the manifest is missing from the table okms_kek_manifest",
        ({ } known, { } born) when born.Installation != known.Installation && known.Keks.ContainsKey(id) =>
            $"the manifest is not that of the installation to which the KEK {id} belongs",
        ({ } known, { } born) when born.Installation == known.Installation && born.Generation > known.Generation =>
            $"the manifest of generation {known.Generation} is an older one that was put back: the KEK {id} was made in generation {born.Generation}",
        _ => null,
    };
}

using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys.Lifecycle;

/// <summary>Which material of a key is to be erased, and when. Pure functions of the row.</summary>
internal static class KeyErasures
{
    /// <summary>How long after a restore a deletion rests that was scheduled before it.</summary>
    public static readonly TimeSpan RestAfterRestore = TimeSpan.FromHours(24);

    /// <summary>The earliest time at which something of the key is to be erased, be it the key or a version; null for never.</summary>
    public static DateTimeOffset? Next(KeyRow row)
    {
        var next = row.State == KeyState.PendingDeletion ? row.DeletionAt : null;
        foreach (var version in row.Versions)
        {
            if (version is { State: KeyVersionState.PendingDestruction, DestroyAt: { } at } && !(next <= at))
            {
                next = at;
            }
        }

        return next;
    }

    /// <summary>The versions whose destruction is due at a time.</summary>
    /// <param name="row">The key.</param>
    /// <param name="now">The time.</param>
    /// <param name="restingBelow">What was scheduled in an earlier restore epoch than this one still rests; 0 where nothing does.</param>
    public static IReadOnlyCollection<int> Due(KeyRow row, DateTimeOffset now, int restingBelow) =>
    [
        .. row.Versions
            .Where(v => v is { State: KeyVersionState.PendingDestruction, DestroyAt: { } at } && at <= now && v.DestroyEpoch >= restingBelow)
            .Select(v => v.Version),
    ];
}

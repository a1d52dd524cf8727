using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys.Lifecycle;

/// <summary>Which material of a key must be erased, and when. Pure functions of the row.</summary>
internal static class KeyErasures
{
    /// <summary>How long after a restore earlier scheduled deletions rest.</summary>
    public static readonly TimeSpan RestAfterRestore = TimeSpan.FromHours(24);

    /// <summary>
    /// The earliest time at which anything of the key must be erased, the whole key or a version; null for never.
    /// </summary>
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

    /// <summary>The versions whose destruction is due.</summary>
    /// <param name="row">The key.</param>
    /// <param name="now">The time.</param>
    /// <param name="restingBelow">Destructions scheduled in an epoch before this one still rest; 0 for none.</param>
    public static IReadOnlyCollection<int> Due(KeyRow row, DateTimeOffset now, int restingBelow) =>
    [
        .. row.Versions
            .Where(v => v is { State: KeyVersionState.PendingDestruction, DestroyAt: { } at } && at <= now && v.DestroyEpoch >= restingBelow)
            .Select(v => v.Version),
    ];
}

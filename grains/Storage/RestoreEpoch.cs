namespace OrleansKms.Grains.Storage;

/// <summary>
/// A life of the database. The first has the number 0; the operator begins another each time the database is restored from a
/// backup, or a replica that was behind takes over, because what happened since the backup is lost.
/// </summary>
/// <param name="Number">0, 1, 2 and so on. When a restore loses an epoch itself, its number is given again.</param>
/// <param name="VersionBase">Versions made in this epoch are numbered above it; 0 in the first.</param>
/// <param name="StartedAt">When it began, UTC.</param>
public sealed record RestoreEpoch(int Number, int VersionBase, DateTimeOffset StartedAt)
{
    /// <summary>A database that was never restored.</summary>
    public static RestoreEpoch First { get; } = new(0, 0, DateTimeOffset.UnixEpoch);
}

/// <summary>
/// The epoch that this silo was started in. All silos of a cluster have the same one: an epoch begins while none runs.
/// </summary>
public sealed class CurrentEpoch
{
    /// <summary>The epoch; set once storage is open.</summary>
    public RestoreEpoch Value { get; internal set; } = RestoreEpoch.First;
}

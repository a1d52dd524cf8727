namespace OrleansKms.Grains.Storage;

/// <summary>
/// A life of the database. The first has the number 0; each time the database is put back from a backup, or a replica that was
/// behind takes over, the operator begins another, because what had happened since the backup is not known any more.
/// </summary>
/// <param name="Number">0, 1, 2 and so on. The number of an epoch that was itself lost by a restore is given again.</param>
/// <param name="VersionBase">Versions that are made in this epoch are numbered above it; 0 in the first.</param>
/// <param name="StartedAt">When it began, UTC.</param>
public sealed record RestoreEpoch(int Number, int VersionBase, DateTimeOffset StartedAt)
{
    /// <summary>A database that was never restored.</summary>
    public static RestoreEpoch First { get; } = new(0, 0, DateTimeOffset.UnixEpoch);
}

/// <summary>The epoch in which this silo was started. All silos of a cluster have the same one: it begins while none runs.</summary>
public sealed class CurrentEpoch
{
    /// <summary>The epoch; known once storage is open.</summary>
    public RestoreEpoch Value { get; internal set; } = RestoreEpoch.First;
}

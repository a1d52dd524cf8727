namespace OrleansKms.Grains.Keys.Rows;

/// <summary>What the backup of a key says, beside its material. Stored for ever, like rows: names and texts do not change.</summary>
public sealed record KeyBackupContent
{
    /// <summary>When the backup was made, UTC.</summary>
    public required DateTimeOffset MadeAt { get; init; }

    /// <summary>The row <c>key</c>, without what is not restored.</summary>
    public required KeyRow Key { get; init; }

    /// <summary>The counters.</summary>
    public required KeyRestoring Counters { get; init; }
}

/// <summary>
/// What a restored key still has to get. While the row <c>key</c> has it, the row's material section holds the material of all living
/// versions (Backups/FORMAT.md); whoever loads the key first gives each version its own row and the counters theirs.
/// </summary>
public sealed record KeyRestoring
{
    /// <summary>The counters of each version.</summary>
    public IReadOnlyList<VersionUsage> Versions { get; init; } = [];

    /// <summary>The counts of the key's limits; null for none.</summary>
    public IReadOnlyList<WindowUsage>? Windows { get; init; }
}

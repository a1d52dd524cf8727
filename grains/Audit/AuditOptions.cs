namespace OrleansKms.Grains.Audit;

/// <summary>When an operation's answer may leave, relative to its record.</summary>
public enum AuditMode
{
    /// <summary>After the record is written. kill -9 loses no record of an answered operation.</summary>
    Blocking,

    /// <summary>Before. The record is written within 100 ms; a crash may lose that much.</summary>
    Async,

    /// <summary>Nothing is recorded.</summary>
    Off,
}

/// <summary>How operations are recorded.</summary>
public sealed record AuditOptions
{
    /// <summary>When an operation's answer may leave.</summary>
    public AuditMode Mode { get; init; } = AuditMode.Blocking;

    /// <summary>The absolute path of the logs' folder, used by this silo alone. Each log is a folder in it.</summary>
    public required string Directory { get; init; }

    /// <summary>
    /// Whether a record counts as written only once it is on disk, so that a power failure loses no record of an answered operation.
    /// </summary>
    public bool Sync { get; init; }

    /// <summary>The size in bytes at which a new record file starts.</summary>
    public long MaxFileBytes { get; init; } = 256 * 1024 * 1024;

    /// <summary>The age at which a new record file starts.</summary>
    public TimeSpan MaxFileAge { get; init; } = TimeSpan.FromDays(1);

    /// <summary>The maximum number of records copied to the database per second for search; 0 for none.</summary>
    public int CopyRate { get; init; } = 2000;

    /// <summary>How long copied records are kept.</summary>
    public TimeSpan CopyRetention { get; init; } = TimeSpan.FromDays(90);

    /// <summary>The witness that cosigns checkpoints; null for none.</summary>
    public WitnessOptions? Witness { get; init; }

    /// <summary>How long an operation waits for its record before it fails with <c>audit_unavailable</c>.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(5);
}

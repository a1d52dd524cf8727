namespace OrleansKms.Grains.Audit;

/// <summary>When an operation is answered, as far as its record goes.</summary>
public enum AuditMode
{
    /// <summary>After its record was written. What kill -9 cannot lose is every answered operation.</summary>
    Blocking,

    /// <summary>Before; its record is written within 100 ms, and a crash may lose that much.</summary>
    Async,

    /// <summary>Nothing is recorded.</summary>
    Off,
}

/// <summary>How operations are recorded.</summary>
public sealed record AuditOptions
{
    /// <summary>When an operation is answered.</summary>
    public AuditMode Mode { get; init; } = AuditMode.Blocking;

    /// <summary>Where the logs are: a folder of this silo alone, an absolute path. Each log is a folder in it.</summary>
    public required string Directory { get; init; }

    /// <summary>Whether a record counts as written only once the disk has it, so that a power failure loses nothing that was answered.</summary>
    public bool Sync { get; init; }

    /// <summary>The length at which a file of records is full, in bytes.</summary>
    public long MaxFileBytes { get; init; } = 256 * 1024 * 1024;

    /// <summary>How long a file of records is written to.</summary>
    public TimeSpan MaxFileAge { get; init; } = TimeSpan.FromDays(1);

    /// <summary>How many records a second are copied to the database for search; 0 for none.</summary>
    public int CopyRate { get; init; } = 2000;

    /// <summary>How long they stay there.</summary>
    public TimeSpan CopyRetention { get; init; } = TimeSpan.FromDays(90);

    /// <summary>Who cosigns the checkpoints; null for nobody.</summary>
    public WitnessOptions? Witness { get; init; }

    /// <summary>How long an operation waits for its record to be written, before it is <c>audit_unavailable</c>.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(5);
}

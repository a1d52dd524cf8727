using OrleansKms.Configuration;

namespace OrleansKms.Grains.Storage;

/// <summary>Which database to use, and how it is watched.</summary>
public record DatabaseOptions
{
    // Several heartbeats must fit into the time after which a silo counts as gone.
    private static readonly TimeSpan _maxPresenceInterval = TimeSpan.FromSeconds(20);

    /// <summary>
    /// The directory of the file root key <c>root.key</c> and, without a <see cref="ConnectionString"/>, of the database
    /// <c>kms.db</c>. Created with mode 0700 if missing. Every silo of a cluster needs the same root key.
    /// </summary>
    public required string DataDirectory { get; init; }

    /// <summary>
    /// The path of a file root key that is supplied from outside: never generated, and readable by its group. Null for
    /// <c>root.key</c> in the <see cref="DataDirectory"/>.
    /// </summary>
    public string? RootKeyFile { get; init; }

    /// <summary>An Npgsql connection string; null for the embedded SQLite database.</summary>
    public string? ConnectionString { get; init; }

    /// <summary>How often the database is probed in the background.</summary>
    public TimeSpan ProbeInterval { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long a probe may take.</summary>
    public TimeSpan ProbeTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long a start waits for a database that cannot be reached yet; zero for no wait.</summary>
    public TimeSpan StartTimeout { get; init; }

    /// <summary>How long a start waits for another silo that is migrating the schema.</summary>
    public TimeSpan MigrationTimeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>
    /// How often a silo writes its heartbeat, and picks up added and destroyed KEKs and a raised feature level.
    /// </summary>
    public TimeSpan PresenceInterval { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How many rows a second are resealed under a new KEK, across the cluster.</summary>
    public int ResealRate { get; init; } = (int)SettingTable.ResealRate.Default;

    /// <summary>Whether the rows are in the embedded SQLite database.</summary>
    internal bool IsEmbedded => ConnectionString is null;

    /// <summary>Throws for a setting that cannot work.</summary>
    /// <exception cref="StartRefusedException">Names the setting.</exception>
    internal virtual void Validate()
    {
        if (string.IsNullOrWhiteSpace(DataDirectory))
        {
            throw new StartRefusedException($"{nameof(DataDirectory)} must name a directory.");
        }

        RequirePositive(ProbeInterval, nameof(ProbeInterval));
        RequirePositive(ProbeTimeout, nameof(ProbeTimeout));
        RequirePositive(MigrationTimeout, nameof(MigrationTimeout));
        RequirePositive(PresenceInterval, nameof(PresenceInterval));
        if (PresenceInterval > _maxPresenceInterval)
        {
            throw new StartRefusedException($"{nameof(PresenceInterval)} must be at most {_maxPresenceInterval}.");
        }

        if (!SettingTable.ResealRate.Allows(ResealRate))
        {
            throw new StartRefusedException($"{nameof(ResealRate)} must be {SettingTable.ResealRate.Rule}.");
        }

        if (!SettingTable.StartTimeout.Allows(StartTimeout))
        {
            throw new StartRefusedException($"{nameof(StartTimeout)} must be {SettingTable.StartTimeout.Rule}.");
        }
    }

    private static void RequirePositive(TimeSpan value, string name)
    {
        if (value <= TimeSpan.Zero || value > TimeSpan.FromHours(1))
        {
            throw new StartRefusedException($"{name} must be above zero and at most an hour.");
        }
    }

    /// <summary>Omits the connection string, which may hold a password.</summary>
    public override string ToString() => $"{GetType().Name} {{ {nameof(DataDirectory)} = {DataDirectory} }}";
}

using OrleansKms.Gateway.Configuration;

namespace OrleansKms.Silo.Configuration;

/// <summary>Everything that an operator of a silo can set, read and checked before anything is started.</summary>
public sealed record Settings
{
    /// <summary>What is logged.</summary>
    public required LogSettings Log { get; init; }

    /// <summary>How HTTP is served.</summary>
    public required HttpSettings Http { get; init; }

    /// <summary>The installation, the cluster and their database.</summary>
    public required ClusterSettings Cluster { get; init; }

    /// <summary>OKMS_DATA_DIR: where the embedded database, the file root key and the first token are. Default <c>okms-data</c>.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>OKMS_SILO_PORT: the silo's port for other silos. Default 11111. Not opened while a silo runs alone.</summary>
    public required int SiloPort { get; init; }

    /// <summary>OKMS_CLIENT_PORT: the silo's port for Orleans clients. Default 30000. Not opened while a silo runs alone.</summary>
    public required int ClientPort { get; init; }

    /// <summary>OKMS_MIN_DELETION_DELAY: the least time between scheduling a deletion and the deletion. PT0S to P365D, default PT24H.</summary>
    public required TimeSpan MinDeletionDelay { get; init; }

    /// <summary>OKMS_KEY_IDLE_TIME: how long an unused key stays in memory. PT2M to P7D, default PT15M.</summary>
    public required TimeSpan KeyIdleTime { get; init; }

    /// <summary>OKMS_RESEAL_RATE: rows a second that are sealed anew after a rotation of the KEK. 1 to 100,000, default 500.</summary>
    public required int ResealRate { get; init; }

    /// <summary>OKMS_DASHBOARD: whether the Orleans Dashboard is served to administrators. Default true.</summary>
    public required bool Dashboard { get; init; }

    /// <summary>Whether this is one process with its own embedded database.</summary>
    public bool IsAllInOne => Cluster.ConnectionString is null;

    /// <summary>The names of all settings.</summary>
    internal static IReadOnlyCollection<string> Names
    {
        get
        {
            var reader = new SettingsReader(new ConfigurationManager());
            Read(reader);
            return reader.Known;
        }
    }

    /// <summary>Reads and checks all settings.</summary>
    /// <param name="configuration">The environment and appsettings.json, merged.</param>
    /// <exception cref="SettingException">A setting is wrong or unknown.</exception>
    public static Settings Read(IConfiguration configuration) => Read(new SettingsReader(configuration));

    private static Settings Read(SettingsReader reader)
    {
        RefuseHsm(reader);
        var settings = new Settings
        {
            Log = LogSettings.Read(reader),
            Http = HttpSettings.Read(reader),
            Cluster = ClusterSettings.Read(reader),
            DataDirectory = Path.GetFullPath(reader.Text("OKMS_DATA_DIR") ?? "okms-data"),
            SiloPort = reader.Integer("OKMS_SILO_PORT", 11111, 1, 65535),
            ClientPort = reader.Integer("OKMS_CLIENT_PORT", 30000, 1, 65535),
            MinDeletionDelay = reader.Duration(
                "OKMS_MIN_DELETION_DELAY", TimeSpan.FromHours(24), TimeSpan.Zero, TimeSpan.FromDays(365)),
            // Orleans looks for idle activations once a minute, so a shorter time could not be kept.
            KeyIdleTime = reader.Duration("OKMS_KEY_IDLE_TIME", TimeSpan.FromMinutes(15), TimeSpan.FromMinutes(2), TimeSpan.FromDays(7)),
            ResealRate = reader.Integer("OKMS_RESEAL_RATE", 500, 1, 100_000),
            Dashboard = reader.Switch("OKMS_DASHBOARD", true),
        };
        reader.RefuseUnknown();
        return settings;
    }

    private static void RefuseHsm(SettingsReader reader)
    {
        if (reader.Text("HSM_ADDRESS") is not null)
        {
            throw new SettingException("HSM_ADDRESS", "is set, but this build does not support a root key in an HSM yet.");
        }
    }
}

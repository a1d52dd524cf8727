using OrleansKms.Gateway.Configuration;
using OrleansKms.Grains.Hsm;
using OrleansKms.Grains.Root;

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

    /// <summary>HSM_ADDRESS and OKMS_HSM_…: the HSM with the root key; null for a root key in a file.</summary>
    public required HsmOptions? Hsm { get; init; }

    /// <summary>
    /// OKMS_OTHER_HSM_ADDRESS, OKMS_OTHER_HSM_PIN, OKMS_OTHER_ROOT_KEY_FILE: a root key besides the silo's own, for the command
    /// <c>root</c>; a silo does not use it. Null for none.
    /// </summary>
    public required OtherRootOptions? OtherRoot { get; init; }

    /// <summary>OKMS_DATA_DIR: where the embedded database and its token, or in a cluster the file root key alone, are. Default <c>okms-data</c>.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>
    /// OKMS_ROOT_KEY_FILE: where the file root key is when the platform hands it in, as the same file on every silo; it is read only
    /// and never made. Null, the default, for <c>root.key</c> in the data directory, which the first start makes.
    /// </summary>
    public required string? RootKeyFile { get; init; }

    /// <summary>Where a silo of a cluster is reached, and how soon one that is gone is given up.</summary>
    public required MemberSettings Member { get; init; }

    /// <summary>OKMS_START_TIMEOUT: how long a start waits for a Postgres that cannot be reached yet. PT0S to PT1H, default PT30S.</summary>
    public required TimeSpan StartTimeout { get; init; }

    /// <summary>OKMS_GATEWAY: whether this silo serves the HTTP interface too. Default true all in one, false in a cluster.</summary>
    public required bool Gateway { get; init; }

    /// <summary>OKMS_MIN_DELETION_DELAY: the least time between scheduling a deletion and the deletion. PT0S to P365D, default PT24H.</summary>
    public required TimeSpan MinDeletionDelay { get; init; }

    /// <summary>OKMS_KEY_IDLE_TIME: how long an unused key stays in memory. PT2M to P7D, default PT15M.</summary>
    public required TimeSpan KeyIdleTime { get; init; }

    /// <summary>OKMS_RESEAL_RATE: rows a second that are sealed anew after a rotation of the KEK. 1 to 100,000, default 500.</summary>
    public required int ResealRate { get; init; }

    /// <summary>OKMS_FENCE_INTERVAL: how often a silo asks what others changed. PT0.5S to PT30S, default PT2S.</summary>
    public required TimeSpan FenceInterval { get; init; }

    /// <summary>OKMS_FENCE_GRACE: how long keys answer without an answer to that. Three intervals to PT1H, default PT5M.</summary>
    public required TimeSpan FenceGrace { get; init; }

    /// <summary>OKMS_DASHBOARD: whether the Orleans Dashboard is served to administrators. Default true all in one, false in a cluster.</summary>
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
        var http = HttpSettings.Read(reader);
        var cluster = ClusterSettings.Read(reader);
        var isAllInOne = cluster.ConnectionString is null;
        var (hsm, otherRoot) = HsmSettings.Read(reader, http.MaxPlaintextBytes);
        var settings = new Settings
        {
            Log = LogSettings.Read(reader),
            Http = http,
            Hsm = hsm,
            OtherRoot = otherRoot,
            Cluster = cluster,
            DataDirectory = Path.GetFullPath(reader.Text("OKMS_DATA_DIR") ?? "okms-data"),
            RootKeyFile = reader.SecretPath("OKMS_ROOT_KEY_FILE"),
            Member = MemberSettings.Read(reader),
            StartTimeout = reader.Duration("OKMS_START_TIMEOUT", TimeSpan.FromSeconds(30), TimeSpan.Zero, TimeSpan.FromHours(1)),
            Gateway = reader.Switch("OKMS_GATEWAY", isAllInOne),
            MinDeletionDelay = reader.Duration(
                "OKMS_MIN_DELETION_DELAY", TimeSpan.FromHours(24), TimeSpan.Zero, KmsLimits.MaxDeletionDelay),
            // Orleans looks for idle activations once a minute, so a shorter time could not be kept.
            KeyIdleTime = reader.Duration("OKMS_KEY_IDLE_TIME", TimeSpan.FromMinutes(15), TimeSpan.FromMinutes(2), TimeSpan.FromDays(7)),
            ResealRate = reader.Integer("OKMS_RESEAL_RATE", 500, 1, 100_000),
            FenceInterval = reader.Duration(
                "OKMS_FENCE_INTERVAL", TimeSpan.FromSeconds(2), TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(30)),
            FenceGrace = reader.Duration("OKMS_FENCE_GRACE", TimeSpan.FromMinutes(5), TimeSpan.FromSeconds(1.5), TimeSpan.FromHours(1)),
            Dashboard = reader.Switch("OKMS_DASHBOARD", isAllInOne),
        };
        reader.RefuseUnknown();
        settings.RefuseContradictions();
        return settings;
    }

    private void RefuseContradictions()
    {
        if (!Gateway && IsAllInOne)
        {
            throw new SettingException("OKMS_GATEWAY", "must be true without DATABASE_URL: a silo that runs alone has no other gateway.");
        }

        if (FenceGrace < 3 * FenceInterval)
        {
            throw new SettingException("OKMS_FENCE_GRACE", "must be at least three times OKMS_FENCE_INTERVAL.");
        }
    }
}

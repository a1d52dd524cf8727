using OrleansKms.Configuration;
using OrleansKms.Gateway.Configuration;
using OrleansKms.Grains.Audit;
using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Hsm;
using OrleansKms.Grains.Root;

namespace OrleansKms.Silo.Configuration;

/// <summary>All settings of a silo, read and checked before anything starts.</summary>
public sealed record Settings
{
    /// <summary>Logging.</summary>
    public required LogSettings Log { get; init; }

    /// <summary>OTEL_…: where traces, metrics and logs are sent.</summary>
    public required TelemetrySettings Telemetry { get; init; }

    /// <summary>HTTP.</summary>
    public required HttpSettings Http { get; init; }

    /// <summary>The installation, the cluster and their database.</summary>
    public required ClusterSettings Cluster { get; init; }

    /// <summary>HSM_ADDRESS and OKMS_HSM_…: the HSM with the root key; null for a root key in a file.</summary>
    public required HsmOptions? Hsm { get; init; }

    /// <summary>
    /// OKMS_OTHER_HSM_ADDRESS, OKMS_OTHER_HSM_PIN, OKMS_OTHER_ROOT_KEY_FILE: a root key other than the silo's own, for the
    /// command <c>root</c>; a silo does not use it. Null for none.
    /// </summary>
    public required OtherRootOptions? OtherRoot { get; init; }

    /// <summary>
    /// OKMS_DATA_DIR: the directory of the embedded database and its token or, in a cluster, of the file root key alone.
    /// </summary>
    public required string DataDirectory { get; init; }

    /// <summary>
    /// OKMS_ROOT_KEY_FILE: the path of a file root key supplied from outside, the same file on every silo; it is only read and
    /// never generated. Null, the default, for <c>root.key</c> in the data directory, which the first start generates.
    /// </summary>
    public required string? RootKeyFile { get; init; }

    /// <summary>Where a silo of a cluster is reached, and how soon one that is gone is given up.</summary>
    public required MemberSettings Member { get; init; }

    /// <summary>OKMS_START_TIMEOUT: how long a start waits for a Postgres that is not reachable yet.</summary>
    public required TimeSpan StartTimeout { get; init; }

    /// <summary>OKMS_GATEWAY: whether this silo serves the HTTP interface too. Default true all in one, false in a cluster.</summary>
    public required bool Gateway { get; init; }

    /// <summary>OKMS_MIN_DELETION_DELAY: the minimum time between scheduling a deletion and the deletion.</summary>
    public required TimeSpan MinDeletionDelay { get; init; }

    /// <summary>OKMS_KEY_IDLE_TIME: how long an unused key stays in memory.</summary>
    public required TimeSpan KeyIdleTime { get; init; }

    /// <summary>OKMS_RESEAL_RATE: how many rows a second are resealed after a rotation of the KEK.</summary>
    public required int ResealRate { get; init; }

    /// <summary>OKMS_MAX_QUEUED_CALLS: how many calls wait in front of one key.</summary>
    public required int MaxQueuedCalls { get; init; }

    /// <summary>OKMS_FENCE_INTERVAL: how often a silo asks what others changed.</summary>
    public required TimeSpan FenceInterval { get; init; }

    /// <summary>OKMS_FENCE_GRACE: how long keys go on answering while the database does not answer that.</summary>
    public required TimeSpan FenceGrace { get; init; }

    /// <summary>OKMS_DASHBOARD: whether the Orleans Dashboard is served to administrators. Default true all in one, false in a cluster.</summary>
    public required bool Dashboard { get; init; }

    /// <summary>OKMS_AUDIT…: how operations are recorded.</summary>
    public required AuditOptions Audit { get; init; }

    /// <summary>Whether this is one process with its own embedded database.</summary>
    public bool IsAllInOne => Cluster.ConnectionString is null;

    /// <summary>Settings that have no effect in this silo, because it lacks the part that they are for.</summary>
    public required IReadOnlyList<string> WithoutEffect { get; init; }

    /// <summary>The names of all settings that are read.</summary>
    internal static IReadOnlyCollection<string> Names
    {
        get
        {
            var reader = new SettingsReader(new ConfigurationManager(), SettingTaker.Silo);
            Read(reader);
            return reader.Known;
        }
    }

    /// <summary>Reads and checks all settings.</summary>
    /// <param name="configuration">The environment and appsettings.json, merged.</param>
    /// <exception cref="SettingException">A setting is wrong or unknown.</exception>
    public static Settings Read(IConfiguration configuration) => Read(new SettingsReader(configuration, SettingTaker.Silo));

    private static Settings Read(SettingsReader reader)
    {
        reader.RefuseForeign();
        var http = HttpSettings.Read(reader);
        var cluster = ClusterSettings.Read(reader);
        var isAllInOne = cluster.ConnectionString is null;
        var (hsm, otherRoot) = HsmSettings.Read(reader, http.MaxPlaintextBytes);
        var hasGateway = reader.ReadOrNull(SettingTable.Gateway) ?? isAllInOne;
        var dataDirectory = Path.GetFullPath(reader.Text(SettingTable.DataDirectory) ?? SettingTable.DataDirectory.Default);
        var settings = new Settings
        {
            Log = LogSettings.Read(reader),
            Telemetry = TelemetrySettings.Read(reader),
            Http = http,
            Hsm = hsm,
            OtherRoot = otherRoot,
            Cluster = cluster,
            DataDirectory = dataDirectory,
            Audit = ReadAudit(reader, dataDirectory),
            RootKeyFile = reader.SecretPath(SettingTable.RootKeyFile),
            Member = MemberSettings.Read(reader),
            StartTimeout = reader.Read(SettingTable.StartTimeout),
            Gateway = hasGateway,
            MinDeletionDelay = reader.Read(SettingTable.MinDeletionDelay),
            KeyIdleTime = reader.Read(SettingTable.KeyIdleTime),
            ResealRate = reader.Integer(SettingTable.ResealRate),
            MaxQueuedCalls = reader.Integer(SettingTable.MaxQueuedCalls),
            FenceInterval = reader.Read(SettingTable.FenceInterval),
            FenceGrace = reader.Read(SettingTable.FenceGrace),
            Dashboard = reader.ReadOrNull(SettingTable.Dashboard) ?? isAllInOne,
            WithoutEffect = reader.WithoutEffect(part => part switch
            {
                SettingPart.Gateway => hasGateway,
                SettingPart.Cluster => !isAllInOne,
                SettingPart.Hsm => hsm is not null || otherRoot?.Hsm is not null,
                SettingPart.RootKeyFile => hsm is null,
                _ => true,
            }),
        };
        settings.RefuseContradictions();
        return settings;
    }

    private static AuditOptions ReadAudit(SettingsReader reader, string dataDirectory) => new()
    {
        Mode = Enum.Parse<AuditMode>(reader.Word(SettingTable.Audit), ignoreCase: true),
        Directory = Path.GetFullPath(reader.Text(SettingTable.AuditDirectory) ?? Path.Combine(dataDirectory, "audit")),
        Sync = reader.Read(SettingTable.AuditSync),
        Witness = ReadWitness(reader),
        CopyRate = reader.Integer(SettingTable.AuditCopyRate),
        CopyRetention = reader.Read(SettingTable.AuditCopyRetention),
    };

    private static WitnessOptions? ReadWitness(SettingsReader reader)
    {
        try
        {
            return reader.Text(SettingTable.AuditWitness) is { } text ? WitnessOptions.Parse(text) : null;
        }
        catch (FormatException)
        {
            throw new SettingException(SettingTable.AuditWitness, "must be the address of a witness and its key (name+id+key), with a space between.");
        }
    }

    private void RefuseContradictions()
    {
        if (!Gateway && IsAllInOne)
        {
            throw new SettingException(
                SettingTable.Gateway, $"must be true without {SettingTable.DatabaseUrl}: a silo that runs alone has no other gateway.");
        }

        if (FenceGrace < FenceOptions.Intervals * FenceInterval)
        {
            throw new SettingException(SettingTable.FenceGrace, $"must be at least {FenceOptions.Intervals} times {SettingTable.FenceInterval}.");
        }
    }
}

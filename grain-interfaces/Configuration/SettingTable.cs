namespace OrleansKms.Configuration;

/// <summary>
/// Every setting of silos and gateways: the one place for its name, its default and its bounds. Code that reads, checks or
/// documents a setting takes them from here, and a test holds deploy/CONFIGURATION.md to it.
/// </summary>
internal static partial class SettingTable
{
    private const int MinPort = 1;
    private const int MaxPort = 65535;
    private const string FilePath = "a path";
    private const string ListenAddress = "`localhost`, an IP address, or `*`";
    private const string Name64 = "1 to 64 of `A-Z a-z 0-9 . _ -`";
    private const string Pkcs11Uri = "a PKCS#11 URI (RFC 7512)";
    private const string PostgresUrl = "`postgres://user:password@host:port/database?sslmode=verify-full`";

    // Made on first use: the order in which the parts of this class are initialised is undefined.
    private static readonly Lazy<Setting[]> _all = new(List);
    private static readonly Lazy<Dictionary<string, Setting>> _byName =
        new(() => All.ToDictionary(setting => setting.Name, StringComparer.OrdinalIgnoreCase));

    /// <summary>All settings, in the order in which documents list them.</summary>
    public static IReadOnlyList<Setting> All => _all.Value;

    /// <summary>The setting with a name, or null. Names are case-insensitive, as in the configuration.</summary>
    public static Setting? Find(string name) => _byName.Value.GetValueOrDefault(name);

    private static Setting[] List() =>
    [
        Port, BindAddress, ClientAuthorityFile, DatabaseUrl, DatabaseUrlFile, InsecureDatabaseConnection, DataDirectory, RootKeyFile,
        HsmAddress, HsmPin, OtherHsmAddress, OtherHsmPin, OtherRootKeyFile, HsmCreateRoot, HsmSessions, HsmTimeout,
        LogLevel, LogFormat, RequestLog, ServiceId, ClusterId,
        TlsAuthority, TlsCertificate, TlsKey, TlsMaxConnectionAge, InsecureClusterNetwork,
        SiloPort, ClientPort, MaxClientConnections, MaxClientCalls, AdvertisedAddress, ClusterBindAddress, Gateway, ProbeTimeout, MissedProbes, StartTimeout,
        RequestTimeout, ShutdownTimeout, DrainDelay, MaxPlaintextBytes, MinDeletionDelay, KeyIdleTime, ResealRate, FenceInterval, FenceGrace, Audit, AuditDirectory, AuditSync, AuditWitness, AuditCopyRate, AuditCopyRetention,
        RateLimit, RateLimitBurst, MaxConcurrentRequests, MaxQueuedRequests, OverloadDelay, MaxQueuedCalls, MaxConnections, MaxBodyBytesInFlight,
        JwtIssuers, MetricsTokenFile, MetricsPort, MetricsBindAddress, MetricsKeyLimit, Console, Dashboard,
        OtlpEndpoint, OtlpProtocol, OtlpHeaders, TracesExporter, MetricsExporter, LogsExporter, TracesSampler, TracesSamplerRatio, ServiceName,
    ];
}

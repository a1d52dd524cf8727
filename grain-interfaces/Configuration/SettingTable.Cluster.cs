namespace OrleansKms.Configuration;

/// <content>What the members of a cluster are told about each other.</content>
internal static partial class SettingTable
{
    public static TextSetting TlsAuthority { get; } = new("OKMS_TLS_CA", FilePath)
    {
        Part = SettingPart.Cluster,
        Meaning = "the PEM file of the private certificate authority that all members of a cluster trust",
    };

    public static TextSetting TlsCertificate { get; } = new("OKMS_TLS_CERT", FilePath)
    {
        Part = SettingPart.Cluster,
        Meaning = "the PEM file of this process's certificate",
    };

    public static TextSetting TlsKey { get; } = new("OKMS_TLS_KEY", FilePath)
    {
        Part = SettingPart.Cluster,
        Meaning = "the PEM file of its private key",
    };

    public static DurationSetting TlsMaxConnectionAge { get; } = new("OKMS_TLS_MAX_CONNECTION_AGE")
    {
        Default = TimeSpan.FromHours(24),
        Min = TimeSpan.FromMinutes(1),
        Max = TimeSpan.FromDays(30),
        Part = SettingPart.Cluster,
        Meaning = "how old a connection between members may become before it is replaced",
    };

    public static SwitchSetting InsecureClusterNetwork { get; } = new("OKMS_INSECURE_CLUSTER_NETWORK")
    {
        Default = false,
        Part = SettingPart.Cluster,
        Meaning = "whether to run a cluster without certificates",
    };

    public static NumberSetting SiloPort { get; } = new("OKMS_SILO_PORT")
    {
        Default = 11111,
        Min = MinPort,
        Max = MaxPort,
        Taker = SettingTaker.Silo,
        Part = SettingPart.Cluster,
        Meaning = "the silo's port for other silos",
    };

    public static NumberSetting ClientPort { get; } = new("OKMS_CLIENT_PORT")
    {
        Default = 30000,
        Min = MinPort,
        Max = MaxPort,
        Taker = SettingTaker.Silo,
        Part = SettingPart.Cluster,
        Meaning = "the silo's port for Orleans clients",
    };

    public static NumberSetting MaxClientConnections { get; } = new("OKMS_MAX_CLIENT_CONNECTIONS")
    {
        Default = 1024,
        Min = 10,
        Max = 100_000,
        Taker = SettingTaker.Silo,
        Part = SettingPart.Cluster,
        Meaning = "how many connections the client port accepts",
    };

    public static NumberSetting MaxClientCalls { get; } = new("OKMS_MAX_CLIENT_CALLS")
    {
        Default = 16_384,
        Min = 16,
        Max = 1_000_000,
        Taker = SettingTaker.Silo,
        Part = SettingPart.Cluster,
        Meaning = "how many calls from the client port may be in flight in a silo",
    };

    public static TextSetting AdvertisedAddress { get; } = new("OKMS_ADVERTISED_ADDRESS", "an IP address or a DNS name")
    {
        DefaultInWords = "the machine's first IPv4 address; loopback with `OKMS_INSECURE_CLUSTER_NETWORK`",
        Taker = SettingTaker.Silo,
        Part = SettingPart.Cluster,
        Meaning = "where the others reach this silo, resolved once at start",
    };

    public static TextSetting ClusterBindAddress { get; } = new("OKMS_CLUSTER_BIND_ADDRESS", "an IP address, or `*`")
    {
        DefaultInWords = "the advertised address",
        Taker = SettingTaker.Silo,
        Part = SettingPart.Cluster,
        Meaning = "the address that the two ports listen on",
    };

    public static DurationSetting ProbeTimeout { get; } = new("OKMS_PROBE_TIMEOUT")
    {
        Default = TimeSpan.FromSeconds(2),
        Min = TimeSpan.FromMilliseconds(500),
        Max = TimeSpan.FromMinutes(1),
        Taker = SettingTaker.Silo,
        Part = SettingPart.Cluster,
        Meaning = "how long a silo waits for another to answer a probe",
    };

    public static NumberSetting MissedProbes { get; } = new("OKMS_MISSED_PROBES")
    {
        Default = 3,
        Min = 1,
        Max = 20,
        Taker = SettingTaker.Silo,
        Part = SettingPart.Cluster,
        Meaning = "how many probes a silo may miss",
    };

    public static DurationSetting FenceInterval { get; } = new("OKMS_FENCE_INTERVAL")
    {
        Default = TimeSpan.FromSeconds(2),
        Min = TimeSpan.FromMilliseconds(500),
        Max = TimeSpan.FromSeconds(30),
        Taker = SettingTaker.Silo,
        Part = SettingPart.Cluster,
        Meaning = "how often a silo queries the database for keys that others changed",
    };

    public static DurationSetting FenceGrace { get; } = new("OKMS_FENCE_GRACE")
    {
        // The minimum is that of the shortest interval.
        Default = TimeSpan.FromMinutes(5),
        Min = TimeSpan.FromSeconds(1.5),
        Max = TimeSpan.FromHours(1),
        RangeInWords = "three intervals to `PT1H`",
        Taker = SettingTaker.Silo,
        Part = SettingPart.Cluster,
        Meaning = "how long keys keep working while the database does not answer that query",
    };
}

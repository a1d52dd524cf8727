namespace OrleansKms.Configuration;

/// <content>What each process is told: where its database, its root key and its log are, and how it starts and stops.</content>
internal static partial class SettingTable
{
    public static NumberSetting Port { get; } = new("PORT")
    {
        Default = 8080,
        Min = MinPort,
        Max = MaxPort,
        Meaning = "the port of the HTTP interface",
    };

    public static TextSetting BindAddress { get; } = new("OKMS_BIND_ADDRESS", ListenAddress)
    {
        Default = "localhost",
        Meaning = "where the HTTP interface listens",
    };

    public static TextSetting ClientAuthorityFile { get; } = new("OKMS_CLIENT_CA_FILE", FilePath)
    {
        Meaning = "the PEM file of the certificate authorities whose certificates sign clients in over HTTPS",
    };

    public static TextSetting DatabaseUrl { get; } = new("DATABASE_URL", PostgresUrl)
    {
        DefaultInWords = "none: embedded SQLite; a gateway needs one",
        Meaning = "the cluster's database",
    };

    public static TextSetting DatabaseUrlFile { get; } = new("DATABASE_URL_FILE", FilePath)
    {
        Meaning = "a file with that address in it, instead of `DATABASE_URL`",
    };

    public static SwitchSetting InsecureDatabaseConnection { get; } = new("OKMS_INSECURE_DATABASE_CONNECTION")
    {
        Default = false,
        Part = SettingPart.Cluster,
        Meaning = "whether to connect to a Postgres beyond this machine without `sslmode=verify-full`",
    };

    public static TextSetting DataDirectory { get; } = new("OKMS_DATA_DIR", FilePath)
    {
        Default = "okms-data",
        Taker = SettingTaker.Silo,
        Meaning = "the directory (mode 0700) of the embedded database, the file root key and the administrator's token",
    };

    public static TextSetting RootKeyFile { get; } = new("OKMS_ROOT_KEY_FILE", FilePath)
    {
        DefaultInWords = "`root.key` in the data directory",
        Taker = SettingTaker.Silo,
        Part = SettingPart.RootKeyFile,
        Meaning = "a file root key supplied from outside",
    };

    public static ChoiceSetting LogLevel { get; } = new("LOG_LEVEL", "trace", "debug", "info", "warn", "error")
    {
        Default = "info",
        Meaning = "the lowest level that is logged",
    };

    public static ChoiceSetting LogFormat { get; } = new("OKMS_LOG_FORMAT", "json", "text")
    {
        Default = "json",
        DefaultInWords = "`json`; `text` on a terminal",
        Meaning = "the format of the log",
    };

    public static SwitchSetting RequestLog { get; } = new("OKMS_REQUEST_LOG")
    {
        Default = true,
        Meaning = "whether each request is logged",
    };

    public static TextSetting ServiceId { get; } = new("OKMS_SERVICE_ID", Name64)
    {
        Default = "okms",
        Meaning = "the installation's name",
    };

    public static TextSetting ClusterId { get; } = new("OKMS_CLUSTER_ID", Name64)
    {
        Default = "okms",
        Meaning = "the name of the running cluster",
    };

    public static SwitchSetting Gateway { get; } = new("OKMS_GATEWAY")
    {
        DefaultInWords = "`true`; `false` in a cluster",
        Taker = SettingTaker.Silo,
        Meaning = "whether the silo serves the HTTP interface to keys too",
    };

    public static SwitchSetting Dashboard { get; } = new("OKMS_DASHBOARD")
    {
        DefaultInWords = "`true`; `false` in a cluster",
        Taker = SettingTaker.Silo,
        Meaning = "whether `/dashboard` is served",
    };

    public static DurationSetting StartTimeout { get; } = new("OKMS_START_TIMEOUT")
    {
        Default = TimeSpan.FromSeconds(30),
        Min = TimeSpan.Zero,
        Max = TimeSpan.FromHours(1),
        Taker = SettingTaker.Silo,
        Part = SettingPart.Cluster,
        Meaning = "how long a start waits for a Postgres that is not reachable yet",
    };

    public static DurationSetting ShutdownTimeout { get; } = new("OKMS_SHUTDOWN_TIMEOUT")
    {
        Default = TimeSpan.FromSeconds(30),
        Min = TimeSpan.FromSeconds(1),
        Max = TimeSpan.FromMinutes(10),
        Meaning = "how long a stop may take before it is forced",
    };

    public static DurationSetting DrainDelay { get; } = new("OKMS_DRAIN_DELAY")
    {
        Default = TimeSpan.Zero,
        Min = TimeSpan.Zero,
        Max = TimeSpan.FromMinutes(1),
        RangeInWords = "`PT0S` to `PT1M`, and to half of `OKMS_SHUTDOWN_TIMEOUT`",
        Meaning = "how long readiness is false before listening stops, for load balancers",
    };
}

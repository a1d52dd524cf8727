namespace OrleansKms.Configuration;

/// <content>What bounds requests, and the metrics of them.</content>
internal static partial class SettingTable
{
    private const int MinBodyBytesInFlight = 1 << 20;
    private const long MaxBodyBytesInFlightEver = 1L << 40;
    private const int MaxRate = 10_000_000;

    public static DurationSetting RequestTimeout { get; } = new("OKMS_REQUEST_TIMEOUT")
    {
        Default = TimeSpan.FromSeconds(5),
        Min = KmsLimits.MinRequestTimeout,
        Max = KmsLimits.MaxRequestTimeout,
        Meaning = "how long a request, and each grain call in it, may take",
    };

    public static NumberSetting MaxPlaintextBytes { get; } = new("OKMS_MAX_PLAINTEXT_BYTES")
    {
        Default = KmsLimits.DefaultPlaintextBytes,
        Min = 1,
        Max = KmsLimits.PlaintextBytes,
        Meaning = "the largest plaintext in bytes",
    };

    public static NumberSetting RateLimit { get; } = new("OKMS_RATE_LIMIT")
    {
        DefaultInWords = "none",
        Min = 1,
        Max = MaxRate,
        Part = SettingPart.Gateway,
        Meaning = "requests per second for each principal",
    };

    public static NumberSetting RateLimitBurst { get; } = new("OKMS_RATE_LIMIT_BURST")
    {
        DefaultInWords = "as the rate",
        Min = 1,
        Max = MaxRate,
        Part = SettingPart.Gateway,
        RangeInWords = $"a tenth of the rate to `{MaxRate}`",
        Meaning = "requests that a principal may send at once",
    };

    public static NumberSetting MaxConnections { get; } = new("OKMS_MAX_CONNECTIONS")
    {
        Default = 4096,
        Min = 10,
        Max = 1_000_000,
        Meaning = "how many connections each listener accepts",
    };

    public static NumberSetting MaxConcurrentRequests { get; } = new("OKMS_MAX_CONCURRENT_REQUESTS")
    {
        Default = 4096,
        Min = 1,
        Max = 1_000_000,
        Part = SettingPart.Gateway,
        Meaning = "how many requests are handled at once",
    };

    public static NumberSetting MaxQueuedRequests { get; } = new("OKMS_MAX_QUEUED_REQUESTS")
    {
        Default = 512,
        Min = 0,
        Max = 1_000_000,
        Part = SettingPart.Gateway,
        Meaning = "how many more requests may queue",
    };

    public static DurationSetting OverloadDelay { get; } = new("OKMS_OVERLOAD_DELAY")
    {
        Default = TimeSpan.FromMilliseconds(100),
        Min = TimeSpan.FromMilliseconds(5),
        Max = TimeSpan.FromSeconds(10),
        Part = SettingPart.Gateway,
        Meaning = "how long a request may queue, and how long the fastest answers may take before fewer requests are admitted",
    };

    public static NumberSetting MaxQueuedCalls { get; } = new("OKMS_MAX_QUEUED_CALLS")
    {
        Default = 4096,
        Min = 16,
        Max = 1_000_000,
        Taker = SettingTaker.Silo,
        Meaning = "how many calls may queue for one key in a silo, whoever sends them",
    };

    public static NumberSetting MaxBodyBytesInFlight { get; } = new("OKMS_MAX_BODY_BYTES_IN_FLIGHT")
    {
        DefaultInWords = "a sixteenth of the memory available to the process",
        Min = MinBodyBytesInFlight,
        Max = MaxBodyBytesInFlightEver,
        Part = SettingPart.Gateway,
        Meaning = "how many bytes of request bodies may be in flight",
    };

    public static TextSetting JwtIssuers { get; } = new("OKMS_JWT_ISSUERS", "issuers with their fields, or a path")
    {
        Part = SettingPart.Gateway,
        Meaning = "the issuers whose JWTs sign callers in",
    };

    public static TextSetting MetricsTokenFile { get; } = new("OKMS_METRICS_TOKEN_FILE", FilePath)
    {
        DefaultInWords = "`metrics.token` in the data directory; none in a cluster",
        Meaning = "the file of a token (32 to 256 characters) that opens only `/metrics`",
    };

    public static NumberSetting MetricsPort { get; } = new("OKMS_METRICS_PORT")
    {
        DefaultInWords = "none",
        Min = MinPort,
        Max = MaxPort,
        Meaning = "a plain HTTP port that serves only `/metrics` and `/health`",
    };

    public static TextSetting MetricsBindAddress { get; } = new("OKMS_METRICS_BIND_ADDRESS", ListenAddress)
    {
        Default = "localhost",
        Meaning = "where that port listens",
    };

    public static NumberSetting MetricsKeyLimit { get; } = new("OKMS_METRICS_KEY_LIMIT")
    {
        Default = 2000,
        Min = 1,
        Max = 1_000_000,
        Meaning = "how many keys have metrics of their own; the rest share one",
    };

    public static SwitchSetting Console { get; } = new("OKMS_CONSOLE")
    {
        Default = true,
        Part = SettingPart.Gateway,
        Meaning = "whether `/console` is served",
    };
}

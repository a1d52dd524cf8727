using System.Net;
using OrleansKms.Silo.Logging;

namespace OrleansKms.Silo.Configuration;

/// <summary>Everything that an operator can set, read and checked before anything is started.</summary>
public sealed partial record Settings
{
    /// <summary>PORT: the port of the HTTP interface, 1 to 65535. Default 8080.</summary>
    public required int Port { get; init; }

    /// <summary>OKMS_BIND_ADDRESS: an IP address, <c>*</c> for all, or <c>localhost</c> (the default) for loopback only.</summary>
    public required BindAddress BindAddress { get; init; }

    /// <summary>DATABASE_URL as an Npgsql connection string; null for the embedded database. Holds a password.</summary>
    public required string? ConnectionString { get; init; }

    /// <summary>OKMS_DATA_DIR: where the embedded database, the file root key and the first token are. Default <c>okms-data</c>.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>LOG_LEVEL: trace, debug, info (the default), warn or error.</summary>
    public required LogLevel LogLevel { get; init; }

    /// <summary>OKMS_LOG_FORMAT: json (the default) or text.</summary>
    public required LogFormat LogFormat { get; init; }

    /// <summary>OKMS_REQUEST_LOG: whether each request writes a line. Default true.</summary>
    public required bool RequestLog { get; init; }

    /// <summary>OKMS_SERVICE_ID: the installation's name for ever. It is sealed into every row, so a change closes all rows. Default <c>okms</c>.</summary>
    public required string ServiceId { get; init; }

    /// <summary>OKMS_CLUSTER_ID: the name of the running cluster. Default <c>okms</c>.</summary>
    public required string ClusterId { get; init; }

    /// <summary>OKMS_SILO_PORT: the silo's port for other silos. Default 11111. Not opened while a silo runs alone.</summary>
    public required int SiloPort { get; init; }

    /// <summary>OKMS_CLIENT_PORT: the silo's port for Orleans clients. Default 30000. Not opened while a silo runs alone.</summary>
    public required int ClientPort { get; init; }

    /// <summary>OKMS_REQUEST_TIMEOUT: how long a request and each grain call in it may take. PT0.1S to PT5M, default PT5S.</summary>
    public required TimeSpan RequestTimeout { get; init; }

    /// <summary>OKMS_SHUTDOWN_TIMEOUT: when a stop is forced. PT1S to PT10M, default PT30S.</summary>
    public required TimeSpan ShutdownTimeout { get; init; }

    /// <summary>OKMS_DRAIN_DELAY: how long readiness is false before listening stops. PT0S to PT1M, default PT0S.</summary>
    public required TimeSpan DrainDelay { get; init; }

    /// <summary>OKMS_MAX_PLAINTEXT_BYTES: the largest plaintext, 1 to 1048576. Default 65536.</summary>
    public required int MaxPlaintextBytes { get; init; }

    /// <summary>OKMS_MIN_DELETION_DELAY: the least time between scheduling a deletion and the deletion. PT0S to P365D, default PT24H.</summary>
    public required TimeSpan MinDeletionDelay { get; init; }

    /// <summary>OKMS_KEY_IDLE_TIME: how long an unused key stays in memory. PT2M to P7D, default PT15M.</summary>
    public required TimeSpan KeyIdleTime { get; init; }

    /// <summary>OKMS_RATE_LIMIT: requests a second for each principal; null (the default) for no limit.</summary>
    public required int? RateLimit { get; init; }

    /// <summary>OKMS_RATE_LIMIT_BURST: requests that a principal may send at once; null for the same as the rate.</summary>
    public required int? RateLimitBurst { get; init; }

    /// <summary>OKMS_METRICS_KEY_LIMIT: how many keys the metrics tell apart; the others are counted together. 1 to 1000000, default 2000.</summary>
    public required int MetricsKeyLimit { get; init; }

    /// <summary>OKMS_DASHBOARD: whether the Orleans Dashboard is served to administrators. Default true.</summary>
    public required bool Dashboard { get; init; }

    /// <summary>Whether this is one process with its own embedded database.</summary>
    public bool IsAllInOne => ConnectionString is null;

    /// <summary>Never the connection string.</summary>
    public override string ToString() => $"Settings {{ Port = {Port}, DataDirectory = {DataDirectory} }}";
}

/// <summary>Where the HTTP interface listens.</summary>
/// <param name="Address">The one address, or null for loopback in IPv4 and, where there is one, IPv6.</param>
public readonly record struct BindAddress(IPAddress? Address)
{
    /// <summary>Loopback only.</summary>
    public static BindAddress Localhost => default;
}

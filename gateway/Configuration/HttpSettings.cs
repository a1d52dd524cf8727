using System.Net;
using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Security;

namespace OrleansKms.Gateway.Configuration;

/// <summary>How a process serves HTTP: where it listens, and what bounds its requests and its stop.</summary>
public sealed record HttpSettings
{
    /// <summary>PORT: the port of the HTTP interface, 1 to 65535. Default 8080.</summary>
    public required int Port { get; init; }

    /// <summary>OKMS_BIND_ADDRESS: an IP address, <c>*</c> for all, or <c>localhost</c> (the default) for loopback only.</summary>
    public required BindAddress BindAddress { get; init; }

    /// <summary>OKMS_REQUEST_LOG: whether each request writes a line. Default true.</summary>
    public required bool RequestLog { get; init; }

    /// <summary>OKMS_REQUEST_TIMEOUT: how long a request and each grain call in it may take. PT0.1S to PT10M, default PT5S.</summary>
    public required TimeSpan RequestTimeout { get; init; }

    /// <summary>OKMS_SHUTDOWN_TIMEOUT: when a stop is forced. PT1S to PT10M, default PT30S.</summary>
    public required TimeSpan ShutdownTimeout { get; init; }

    /// <summary>OKMS_DRAIN_DELAY: how long readiness is false before listening stops. PT0S to PT1M, default PT0S.</summary>
    public required TimeSpan DrainDelay { get; init; }

    /// <summary>OKMS_MAX_PLAINTEXT_BYTES: the largest plaintext, 1 to 1048576. Default 65536.</summary>
    public required int MaxPlaintextBytes { get; init; }

    /// <summary>OKMS_RATE_LIMIT: requests a second for each principal; null (the default) for no limit.</summary>
    public required int? RateLimit { get; init; }

    /// <summary>OKMS_RATE_LIMIT_BURST: requests that a principal may send at once, a tenth of the rate at least; null for the same as the rate.</summary>
    public required int? RateLimitBurst { get; init; }

    /// <summary>
    /// OKMS_MAX_BODY_BYTES_IN_FLIGHT: how many bytes of request bodies are worked on at once, 1 MiB or more; null, the default, for a
    /// sixteenth of the memory that the process may use.
    /// </summary>
    public required int? MaxBodyBytesInFlight { get; init; }

    /// <summary>OKMS_MAX_CONNECTIONS: how many connections each listener takes, 10 to 1000000. Default 4096.</summary>
    public required int MaxConnections { get; init; }

    /// <summary>OKMS_METRICS_TOKEN_FILE: the file of a token that opens <c>/metrics</c> and nothing else, read again while the process runs; null for none.</summary>
    public required string? MetricsTokenFile { get; init; }

    /// <summary>OKMS_METRICS_PORT: the port of a listener that serves <c>/metrics</c> and <c>/health</c> alone, 1 to 65535; null for none.</summary>
    public required int? MetricsPort { get; init; }

    /// <summary>OKMS_METRICS_BIND_ADDRESS: where that one listens; as OKMS_BIND_ADDRESS, by default loopback only.</summary>
    public required BindAddress MetricsBindAddress { get; init; }

    /// <summary>OKMS_METRICS_KEY_LIMIT: how many keys the metrics tell apart; the others are counted together. 1 to 1000000, default 2000.</summary>
    public required int MetricsKeyLimit { get; init; }

    /// <summary>Reads and checks them.</summary>
    internal static HttpSettings Read(SettingsReader reader)
    {
        var settings = new HttpSettings
        {
            Port = reader.Integer("PORT", 8080, 1, 65535),
            BindAddress = reader.BindAddress("OKMS_BIND_ADDRESS"),
            RequestLog = reader.Switch("OKMS_REQUEST_LOG", true),
            RequestTimeout = reader.Duration(
                "OKMS_REQUEST_TIMEOUT", TimeSpan.FromSeconds(5), KmsLimits.MinRequestTimeout, KmsLimits.MaxRequestTimeout),
            ShutdownTimeout = reader.Duration(
                "OKMS_SHUTDOWN_TIMEOUT", TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10)),
            DrainDelay = reader.Duration("OKMS_DRAIN_DELAY", TimeSpan.Zero, TimeSpan.Zero, TimeSpan.FromMinutes(1)),
            MaxPlaintextBytes = reader.Integer("OKMS_MAX_PLAINTEXT_BYTES", KmsLimits.DefaultPlaintextBytes, 1, KmsLimits.PlaintextBytes),
            RateLimit = reader.Integer("OKMS_RATE_LIMIT", 1, 10_000_000),
            RateLimitBurst = reader.Integer("OKMS_RATE_LIMIT_BURST", 1, 10_000_000),
            MaxBodyBytesInFlight = reader.Integer("OKMS_MAX_BODY_BYTES_IN_FLIGHT", 1024 * 1024, int.MaxValue),
            MaxConnections = reader.Integer("OKMS_MAX_CONNECTIONS", 4096, 10, 1_000_000),
            MetricsTokenFile = ReadMetricsTokenFile(reader),
            MetricsPort = reader.Integer("OKMS_METRICS_PORT", 1, 65535),
            MetricsBindAddress = reader.BindAddress("OKMS_METRICS_BIND_ADDRESS"),
            MetricsKeyLimit = reader.Integer("OKMS_METRICS_KEY_LIMIT", 2000, 1, 1_000_000),
        };
        if (settings.MetricsPort is null && settings.MetricsBindAddress != BindAddress.Localhost)
        {
            throw new SettingException("OKMS_METRICS_BIND_ADDRESS", "needs OKMS_METRICS_PORT.");
        }

        if (settings is { RateLimitBurst: not null, RateLimit: null })
        {
            throw new SettingException("OKMS_RATE_LIMIT_BURST", "needs OKMS_RATE_LIMIT.");
        }

        if (settings is { RateLimitBurst: { } burst, RateLimit: { } rate } && !RequestRate.CanHold(rate, burst))
        {
            throw new SettingException("OKMS_RATE_LIMIT_BURST", "must be a tenth of OKMS_RATE_LIMIT or more: the rate is not reached otherwise.");
        }

        return settings.DrainDelay <= settings.ShutdownTimeout / 2
            ? settings
            : throw new SettingException("OKMS_DRAIN_DELAY", "must be half of OKMS_SHUTDOWN_TIMEOUT or less: the rest is for the requests in flight.");
    }

    private static string? ReadMetricsTokenFile(SettingsReader reader)
    {
        if (reader.SecretPath(MetricsToken.Setting) is not { } path) return null;
        _ = MetricsToken.Read(path);
        return path;
    }
}

/// <summary>Where the HTTP interface listens.</summary>
/// <param name="Address">The one address, or null for loopback in IPv4 and, where there is one, IPv6.</param>
public readonly record struct BindAddress(IPAddress? Address)
{
    /// <summary>Loopback only.</summary>
    public static BindAddress Localhost => default;
}

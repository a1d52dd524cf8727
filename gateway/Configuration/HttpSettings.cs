using OrleansKms.Configuration;

namespace OrleansKms.Gateway.Configuration;

/// <summary>How a process serves HTTP: where it listens, and what bounds its requests and its stop.</summary>
public sealed record HttpSettings
{
    /// <summary>PORT.</summary>
    public required int Port { get; init; }

    /// <summary>OKMS_BIND_ADDRESS.</summary>
    public required BindAddress BindAddress { get; init; }

    /// <summary>OKMS_CLIENT_CA_FILE: the authorities of clients' certificates; null where nobody signs in by certificate.</summary>
    public required string? ClientAuthorityFile { get; init; }

    /// <summary>OKMS_REQUEST_TIMEOUT: how long a request and each grain call in it may take.</summary>
    public required TimeSpan RequestTimeout { get; init; }

    /// <summary>OKMS_SHUTDOWN_TIMEOUT: when a stop is forced.</summary>
    public required TimeSpan ShutdownTimeout { get; init; }

    /// <summary>OKMS_DRAIN_DELAY: how long readiness is false before listening stops.</summary>
    public required TimeSpan DrainDelay { get; init; }

    /// <summary>OKMS_MAX_PLAINTEXT_BYTES: the largest plaintext.</summary>
    public required int MaxPlaintextBytes { get; init; }

    /// <summary>OKMS_RATE_LIMIT: requests a second for each principal; null for no limit.</summary>
    public required int? RateLimit { get; init; }

    /// <summary>OKMS_RATE_LIMIT_BURST: requests that a principal may send at once; null for the same as the rate.</summary>
    public required int? RateLimitBurst { get; init; }

    /// <summary>
    /// OKMS_MAX_BODY_BYTES_IN_FLIGHT: how many bytes of request bodies may be in flight; null for a share of the memory that the
    /// process may use.
    /// </summary>
    public required long? MaxBodyBytesInFlight { get; init; }

    /// <summary>OKMS_MAX_CONCURRENT_REQUESTS: how many requests are handled at once.</summary>
    public required int MaxConcurrentRequests { get; init; }

    /// <summary>OKMS_MAX_QUEUED_REQUESTS: how many requests wait for a place among them.</summary>
    public required int MaxQueuedRequests { get; init; }

    /// <summary>OKMS_OVERLOAD_DELAY: how long they wait, and what answers may take before there are too many.</summary>
    public required TimeSpan OverloadDelay { get; init; }

    /// <summary>OKMS_MAX_CONNECTIONS: how many connections each listener accepts.</summary>
    public required int MaxConnections { get; init; }

    /// <summary>OKMS_JWT_ISSUERS: whose JWTs sign callers in; empty for nobody's.</summary>
    public required IReadOnlyList<JwtIssuer> JwtIssuers { get; init; }

    /// <summary>
    /// OKMS_METRICS_TOKEN_FILE: the file of a token that opens only <c>/metrics</c>, read again while the process runs; null for
    /// none.
    /// </summary>
    public required string? MetricsTokenFile { get; init; }

    /// <summary>
    /// OKMS_METRICS_PORT: the port of a listener that serves only <c>/metrics</c> and <c>/health</c>; null for none.
    /// </summary>
    public required int? MetricsPort { get; init; }

    /// <summary>OKMS_METRICS_BIND_ADDRESS: the address of that listener.</summary>
    public required BindAddress MetricsBindAddress { get; init; }

    /// <summary>OKMS_METRICS_KEY_LIMIT: how many keys have metrics of their own; the rest share one.</summary>
    public required int MetricsKeyLimit { get; init; }

    /// <summary>OKMS_CONSOLE: whether <c>/console</c> is served.</summary>
    public required bool Console { get; init; }

    /// <summary>Reads and checks them.</summary>
    internal static HttpSettings Read(SettingsReader reader)
    {
        var settings = new HttpSettings
        {
            Port = reader.Integer(SettingTable.Port),
            BindAddress = reader.BindAddress(SettingTable.BindAddress),
            ClientAuthorityFile = reader.Text(SettingTable.ClientAuthorityFile) is { } path ? Path.GetFullPath(path) : null,
            RequestTimeout = reader.Read(SettingTable.RequestTimeout),
            ShutdownTimeout = reader.Read(SettingTable.ShutdownTimeout),
            DrainDelay = reader.Read(SettingTable.DrainDelay),
            MaxPlaintextBytes = reader.Integer(SettingTable.MaxPlaintextBytes),
            RateLimit = reader.IntegerOrNull(SettingTable.RateLimit),
            RateLimitBurst = reader.IntegerOrNull(SettingTable.RateLimitBurst),
            MaxBodyBytesInFlight = reader.ReadOrNull(SettingTable.MaxBodyBytesInFlight),
            MaxConcurrentRequests = reader.Integer(SettingTable.MaxConcurrentRequests),
            MaxQueuedRequests = reader.Integer(SettingTable.MaxQueuedRequests),
            OverloadDelay = reader.Read(SettingTable.OverloadDelay),
            MaxConnections = reader.Integer(SettingTable.MaxConnections),
            JwtIssuers = JwtIssuerText.Read(reader),
            MetricsTokenFile = ReadMetricsTokenFile(reader),
            MetricsPort = reader.IntegerOrNull(SettingTable.MetricsPort),
            MetricsBindAddress = reader.BindAddress(SettingTable.MetricsBindAddress),
            MetricsKeyLimit = reader.Integer(SettingTable.MetricsKeyLimit),
            Console = reader.Read(SettingTable.Console),
        };
        settings.RefuseContradictions();
        return settings;
    }

    private void RefuseContradictions()
    {
        if (MetricsPort is null && MetricsBindAddress != BindAddress.Localhost)
        {
            throw new SettingException(SettingTable.MetricsBindAddress, $"needs {SettingTable.MetricsPort}.");
        }

        if (RateLimitBurst is not null && RateLimit is null)
        {
            throw new SettingException(SettingTable.RateLimitBurst, $"needs {SettingTable.RateLimit}.");
        }

        if (RateLimitBurst is { } burst && RateLimit is { } rate && !GatewayOptions.CanHold(rate, burst))
        {
            throw new SettingException(
                SettingTable.RateLimitBurst, $"must be at least a tenth of {SettingTable.RateLimit}: the rate is not reached otherwise.");
        }

        if (DrainDelay > ShutdownTimeout / 2)
        {
            throw new SettingException(
                SettingTable.DrainDelay, $"must be at most half of {SettingTable.ShutdownTimeout}: the rest is for the requests in flight.");
        }
    }

    private static string? ReadMetricsTokenFile(SettingsReader reader)
    {
        if (reader.SecretPath(SettingTable.MetricsTokenFile) is not { } path) return null;
        _ = TokenText.ReadSha256(path);
        return path;
    }
}

using System.Security.Cryptography;
using OrleansKms.Gateway.Limits;

namespace OrleansKms.Gateway;

/// <summary>The gateway's settings. <see cref="Validate"/> runs when the gateway is added to the services.</summary>
public sealed record GatewayOptions
{
    /// <summary>
    /// SHA-256 of the administrator's bearer token; 32 bytes. The token itself is never held. Null to ask the cluster for it,
    /// again and again, so that a replaced token is refused everywhere within 10 s.
    /// </summary>
    public byte[]? AdministratorTokenSha256 { get; init; }

    /// <summary>The most bytes of plaintext in one encryption, 1 to 1 MiB. The grains have the same setting.</summary>
    public int MaxPlaintextBytes { get; init; } = KmsLimits.DefaultPlaintextBytes;

    /// <summary>
    /// How long a request's body may take to arrive (then 408), and how long the work on it may take (then 504); 100 ms to 10
    /// minutes. The Orleans client's response time-out must be the same: it ends the calls.
    /// </summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Requests a second that each principal may make, and failed sign-ins a second from each address; null for no limit.
    /// </summary>
    public int? RateLimitPerSecond { get; init; }

    /// <summary>
    /// Requests that a principal may make at once before <see cref="RateLimitPerSecond"/> holds, a tenth of it at least; null for
    /// the same number.
    /// </summary>
    public int? RateLimitBurst { get; init; }

    /// <summary>
    /// How long the gateway goes on taking requests after <c>/health/ready</c> has turned 503, so that load balancers notice;
    /// 0 to 60 s.
    /// </summary>
    public TimeSpan DrainDelay { get; init; } = TimeSpan.Zero;

    /// <summary>The level of the one log line that each request leaves; <see cref="LogLevel.None"/> for none.</summary>
    public LogLevel RequestLog { get; init; } = LogLevel.Information;

    /// <summary>
    /// Combinations of labels (key ids) that one metric keeps, 1 to 1,000,000. Those beyond are counted together under the
    /// label <c>otel_metric_overflow</c>. Room for all of them is set aside at start, about 200 bytes each.
    /// </summary>
    public int MetricsKeyLimit { get; init; } = 2000;

    /// <summary>
    /// The file of a token that opens <c>/metrics</c> and nothing else; it is read again while the process runs. Null for none:
    /// then only the administrator's does.
    /// </summary>
    public string? MetricsTokenFile { get; init; }

    /// <summary>Whether metrics have a listener of their own, so that the others do not serve them.</summary>
    public bool MetricsListener { get; init; }

    /// <summary>
    /// How many bytes of request bodies are worked on at once, at least 1 MiB; a request beyond is answered <c>overloaded</c>. Null for a
    /// sixteenth of the memory that the process may use.
    /// </summary>
    public long? MaxBodyBytesInFlight { get; init; }

    /// <summary>How many connections each listener takes, 10 to 1,000,000; those beyond are closed.</summary>
    public int MaxConnections { get; init; } = 4096;

    /// <summary>Whether ASP.NET Core's own HTTP and the runtime's metrics are exported too.</summary>
    public bool PlatformMetrics { get; init; } = true;

    /// <summary>Checks the settings.</summary>
    /// <exception cref="ArgumentException">A setting is out of range; the message names it.</exception>
    public void Validate()
    {
        Require(AdministratorTokenSha256 is null or { Length: SHA256.HashSizeInBytes }, nameof(AdministratorTokenSha256), "must be 32 bytes");
        Require(MaxPlaintextBytes is >= 1 and <= KmsLimits.PlaintextBytes, nameof(MaxPlaintextBytes), $"must be 1 to {KmsLimits.PlaintextBytes} bytes");
        Require(RequestTimeout >= KmsLimits.MinRequestTimeout && RequestTimeout <= KmsLimits.MaxRequestTimeout,
            nameof(RequestTimeout), "must be 100 ms to 10 minutes");
        Require(RateLimitPerSecond is null or (>= 1 and <= 10_000_000), nameof(RateLimitPerSecond), "must be 1 to 10000000");
        Require(RateLimitBurst is null or (>= 1 and <= 10_000_000), nameof(RateLimitBurst), "must be 1 to 10000000");
        Require(RateLimitBurst is null || RateLimitPerSecond is not null, nameof(RateLimitBurst), "needs RateLimitPerSecond");
        Require(RateLimitBurst is not { } burst || RateLimitPerSecond is not { } rate || RequestRate.CanHold(rate, burst),
            nameof(RateLimitBurst), "must be a tenth of RateLimitPerSecond or more");
        Require(DrainDelay >= TimeSpan.Zero && DrainDelay <= TimeSpan.FromSeconds(60), nameof(DrainDelay), "must be 0 to 60 s");
        Require(Enum.IsDefined(RequestLog), nameof(RequestLog), "must be a log level");
        Require(MaxBodyBytesInFlight is null or >= 1 << 20, nameof(MaxBodyBytesInFlight), "must be 1048576 or more");
        Require(MaxConnections is >= 10 and <= 1_000_000, nameof(MaxConnections), "must be 10 to 1000000");
        Require(MetricsKeyLimit is >= 1 and <= 1_000_000, nameof(MetricsKeyLimit), "must be 1 to 1000000");
    }

    private static void Require(bool holds, string setting, string rule)
    {
        if (!holds)
        {
            throw new ArgumentException($"{setting} {rule}.");
        }
    }
}

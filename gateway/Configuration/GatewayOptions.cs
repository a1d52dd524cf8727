using System.Security.Cryptography;
using OrleansKms.Configuration;

namespace OrleansKms.Gateway.Configuration;

/// <summary>The gateway's settings. <see cref="Validate"/> runs when the gateway is added to the services.</summary>
public sealed record GatewayOptions
{
    // How often the limiter refills its buckets.
    private const int FillingsPerSecond = 10;

    /// <summary>
    /// SHA-256 of the administrator's bearer token; 32 bytes. The token itself is never held. Null to fetch it from the cluster
    /// repeatedly, so that a replaced token is refused everywhere within 10 s.
    /// </summary>
    public byte[]? AdministratorTokenSha256 { get; init; }

    /// <summary>The largest plaintext of one encryption, in bytes. The grains have the same setting.</summary>
    public int MaxPlaintextBytes { get; init; } = (int)SettingTable.MaxPlaintextBytes.Default;

    /// <summary>
    /// How long a request's body may take to arrive (then 408), and how long the work on it may take (then 504). The Orleans
    /// client's response time-out must be the same: it ends the calls.
    /// </summary>
    public TimeSpan RequestTimeout { get; init; } = SettingTable.RequestTimeout.Default;

    /// <summary>
    /// How many requests a second each principal may make, and how many failed sign-ins a second each address; null for no limit.
    /// </summary>
    public int? RateLimitPerSecond { get; init; }

    /// <summary>
    /// How many requests a principal may make at once before <see cref="RateLimitPerSecond"/> applies, at least a tenth of it;
    /// null for the same number.
    /// </summary>
    public int? RateLimitBurst { get; init; }

    /// <summary>
    /// How long the gateway continues to take requests after <c>/health/ready</c> has turned 503, so that load balancers notice.
    /// </summary>
    public TimeSpan DrainDelay { get; init; } = SettingTable.DrainDelay.Default;

    /// <summary>
    /// How many combinations of labels (key ids) a metric keeps. The rest are counted together under the label
    /// <c>otel_metric_overflow</c>. Room for all is allocated at start, about 200 bytes each.
    /// </summary>
    public int MetricsKeyLimit { get; init; } = (int)SettingTable.MetricsKeyLimit.Default;

    /// <summary>
    /// The file of a token that opens only <c>/metrics</c>; it is read again while the process runs. Null for none: then only the
    /// administrator's token does.
    /// </summary>
    public string? MetricsTokenFile { get; init; }

    /// <summary>Whose JWTs sign callers in; empty for nobody's.</summary>
    public IReadOnlyList<JwtIssuer> JwtIssuers { get; init; } = [];

    /// <summary>
    /// The PEM file of the authorities whose certificates sign clients in; it is read again when it was replaced. Null where nobody
    /// signs in by certificate.
    /// </summary>
    public string? ClientAuthorityFile { get; init; }

    /// <summary>Whether the console is served, and sessions of it sign in.</summary>
    public bool Console { get; init; } = SettingTable.Console.Default;

    /// <summary>Whether metrics have a listener of their own, so that the others do not serve them.</summary>
    public bool MetricsListener { get; init; }

    /// <summary>
    /// How many bytes of request bodies may be in flight; a request beyond that gets <c>overloaded</c>. Null for a sixteenth of
    /// the memory that the process may use.
    /// </summary>
    public long? MaxBodyBytesInFlight { get; init; }

    /// <summary>
    /// The maximum number of requests in progress. When the grains cannot keep up, the gateway admits fewer, so that none waits much
    /// longer than <see cref="OverloadDelay"/>.
    /// </summary>
    public int MaxConcurrentRequests { get; init; } = (int)SettingTable.MaxConcurrentRequests.Default;

    /// <summary>How many requests may wait to be admitted; the rest get <c>overloaded</c> at once.</summary>
    public int MaxQueuedRequests { get; init; } = (int)SettingTable.MaxQueuedRequests.Default;

    /// <summary>How long a request may wait in the queue, and how slow the fastest answers may get before fewer requests are admitted.</summary>
    public TimeSpan OverloadDelay { get; init; } = SettingTable.OverloadDelay.Default;

    /// <summary>How many connections each listener accepts; the rest are closed.</summary>
    public int MaxConnections { get; init; } = (int)SettingTable.MaxConnections.Default;

    /// <summary>Whether ASP.NET Core's own HTTP metrics and the runtime's are exported too.</summary>
    public bool PlatformMetrics { get; init; } = true;

    /// <summary>Checks the settings.</summary>
    /// <exception cref="ArgumentException">A setting is out of range; the message names it.</exception>
    public void Validate()
    {
        Require(AdministratorTokenSha256 is null or { Length: SHA256.HashSizeInBytes }, nameof(AdministratorTokenSha256), "must be 32 bytes");
        Require(MaxPlaintextBytes, SettingTable.MaxPlaintextBytes, nameof(MaxPlaintextBytes));
        Require(RequestTimeout, SettingTable.RequestTimeout, nameof(RequestTimeout));
        Require(RateLimitPerSecond, SettingTable.RateLimit, nameof(RateLimitPerSecond));
        Require(RateLimitBurst, SettingTable.RateLimitBurst, nameof(RateLimitBurst));
        Require(RateLimitBurst is null || RateLimitPerSecond is not null, nameof(RateLimitBurst), "needs RateLimitPerSecond");
        Require(RateLimitBurst is not { } burst || RateLimitPerSecond is not { } rate || CanHold(rate, burst),
            nameof(RateLimitBurst), "must be at least a tenth of RateLimitPerSecond");
        Require(DrainDelay, SettingTable.DrainDelay, nameof(DrainDelay));
        Require(MaxBodyBytesInFlight, SettingTable.MaxBodyBytesInFlight, nameof(MaxBodyBytesInFlight));
        Require(MaxConcurrentRequests, SettingTable.MaxConcurrentRequests, nameof(MaxConcurrentRequests));
        Require(MaxQueuedRequests, SettingTable.MaxQueuedRequests, nameof(MaxQueuedRequests));
        Require(OverloadDelay, SettingTable.OverloadDelay, nameof(OverloadDelay));
        Require(MaxConnections, SettingTable.MaxConnections, nameof(MaxConnections));
        Require(MetricsKeyLimit, SettingTable.MetricsKeyLimit, nameof(MetricsKeyLimit));
    }

    /// <summary>Whether a bucket of this size can hold what flows in between two refills, so that the rate is reached.</summary>
    /// <param name="rate">Tokens a second.</param>
    /// <param name="burst">The maximum number of tokens that it holds.</param>
    internal static bool CanHold(int rate, int burst) => (long)burst * FillingsPerSecond >= rate;

    private static void Require(long? value, NumberSetting setting, string option) =>
        Require(value is not { } number || setting.Allows(number), option, $"must be {setting.Rule}");

    private static void Require(TimeSpan value, DurationSetting setting, string option) =>
        Require(setting.Allows(value), option, $"must be {setting.Rule}");

    private static void Require(bool holds, string setting, string rule)
    {
        if (!holds)
        {
            throw new ArgumentException($"{setting} {rule}.");
        }
    }
}

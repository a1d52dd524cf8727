using System.Threading.RateLimiting;
using OrleansKms.Gateway.Configuration;

namespace OrleansKms.Gateway.Limits;

/// <summary>
/// Token buckets: one for each principal's requests, and one for each address's failed sign-ins. Off unless
/// <see cref="GatewayOptions.RateLimitPerSecond"/> is set.
/// </summary>
internal sealed class RequestRate : IDisposable
{
    private readonly PartitionedRateLimiter<string>? _principals;
    private readonly PartitionedRateLimiter<string>? _failures;

    public RequestRate(GatewayOptions options)
    {
        if (options.RateLimitPerSecond is { } rate)
        {
            _principals = Buckets(rate, options.RateLimitBurst ?? rate);
            _failures = Buckets(rate, options.RateLimitBurst ?? rate);
        }
    }

    /// <summary>Whether the principal may make one more request now.</summary>
    /// <param name="principal">Its name.</param>
    /// <param name="retryAfter">Whole seconds until the next token.</param>
    public bool Allows(string principal, out int retryAfter) => Acquire(_principals, principal, out retryAfter);

    /// <summary>Whether the address may fail to sign in one more time.</summary>
    /// <param name="source">The address, which counts by its network as in <see cref="FailedSignIns"/>.</param>
    /// <param name="retryAfter">Whole seconds until the next token.</param>
    public bool AllowsFailure(string source, out int retryAfter) => Acquire(_failures, FailedSignIns.NetworkOf(source), out retryAfter);

    /// <summary>
    /// Options of a bucket. The limiter refills ten times a second, each time in proportion to the time passed, in fractions of tokens; the
    /// period is only the unit of the rate. So this sets tokens per second, and not a burst per period, as the burst may be smaller than
    /// the rate.
    /// </summary>
    /// <param name="rate">Tokens per second.</param>
    /// <param name="burst">The bucket's capacity in tokens.</param>
    internal static TokenBucketRateLimiterOptions Bucket(int rate, int burst) => new()
    {
        TokenLimit = burst,
        TokensPerPeriod = rate,
        ReplenishmentPeriod = TimeSpan.FromSeconds(1),
        QueueLimit = 0,
        AutoReplenishment = true,
    };

    public void Dispose()
    {
        _principals?.Dispose();
        _failures?.Dispose();
    }

    private static bool Acquire(PartitionedRateLimiter<string>? limiter, string partition, out int retryAfter)
    {
        retryAfter = 0;
        if (limiter is null)
        {
            return true;
        }

        using var lease = limiter.AttemptAcquire(partition);
        if (lease.IsAcquired)
        {
            return true;
        }

        retryAfter = lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds)) : 1;
        return false;
    }

    private static PartitionedRateLimiter<string> Buckets(int rate, int burst) => PartitionedRateLimiter.Create<string, string>(
        name => RateLimitPartition.GetTokenBucketLimiter(name, _ => Bucket(rate, burst)), StringComparer.Ordinal);
}

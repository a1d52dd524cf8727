using System.Threading.RateLimiting;

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
    /// <param name="retryAfter">Whole seconds until a token is there again.</param>
    public bool Allows(string principal, out int retryAfter) => Acquire(_principals, principal, out retryAfter);

    /// <summary>Whether the address may fail to sign in one more time.</summary>
    /// <param name="source">The address.</param>
    /// <param name="retryAfter">Whole seconds until a token is there again.</param>
    public bool AllowsFailure(string source, out int retryAfter) => Acquire(_failures, source, out retryAfter);

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

    // A bucket gets its tokens in ten parts a second where the rate allows, so that a steady client is not served in bursts.
    private static PartitionedRateLimiter<string> Buckets(int rate, int burst)
    {
        var parts = rate % 10 == 0 ? 10 : 1;
        return PartitionedRateLimiter.Create<string, string>(
            name => RateLimitPartition.GetTokenBucketLimiter(name, _ => new TokenBucketRateLimiterOptions
            {
                TokenLimit = burst,
                TokensPerPeriod = Math.Min(burst, rate / parts),
                ReplenishmentPeriod = TimeSpan.FromSeconds(1.0 / parts),
                QueueLimit = 0,
                AutoReplenishment = true,
            }),
            StringComparer.Ordinal);
    }
}

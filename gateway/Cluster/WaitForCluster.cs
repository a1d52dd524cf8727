namespace OrleansKms.Gateway.Cluster;

/// <summary>
/// Lets the Orleans client try to connect for ever. A missing silo, database or schema, or a wrong password, may be fixed while
/// the gateway waits, and a gateway that gave up would only be restarted to try the same.
/// </summary>
internal sealed partial class WaitForCluster(TimeProvider time, ILogger<WaitForCluster> log) : IClientConnectionRetryFilter
{
    private static readonly TimeSpan _leastPause = TimeSpan.FromMilliseconds(750);
    private static readonly TimeSpan _spread = TimeSpan.FromMilliseconds(500);
    private string? _lastReason;

    /// <inheritdoc/>
    public async Task<bool> ShouldRetryConnectionAttempt(Exception exception, CancellationToken cancellationToken)
    {
        // A reason is logged when it is new: this runs once a second for as long as it lasts.
        if (exception.Message != _lastReason)
        {
            _lastReason = exception.Message;
            LogWaiting(log, exception.GetType().Name, exception.Message);
        }

        await Task.Delay(_leastPause + (_spread * Random.Shared.NextDouble()), time, cancellationToken);
        return true;
    }

    [LoggerMessage(1, LogLevel.Warning, "Waiting for the cluster: {Kind}: {Reason}")]
    private static partial void LogWaiting(ILogger log, string kind, string reason);
}

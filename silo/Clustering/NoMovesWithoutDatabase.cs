using Orleans.Placement.Rebalancing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Silo.Clustering;

/// <summary>
/// Keeps keys where they are while the database is away. A key in memory continues then; after a move it would have to be read,
/// and could not. One silo without its database is enough: keys could be moved to it.
/// </summary>
internal sealed partial class NoMovesWithoutDatabase(
    IActivationRebalancer rebalancer, IStorageHealth health, TimeProvider time, ILogger<NoMovesWithoutDatabase> logger) : BackgroundService
{
    /// <summary>How often the health is checked; other probes ask the database itself.</summary>
    internal static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>How long nothing moves after the database was last seen to be away.</summary>
    internal static readonly TimeSpan Rest = TimeSpan.FromMinutes(1);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        long? restsSince = null;
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            if (health.IsHealthy || (restsSince is { } since && time.GetElapsedTime(since) < Rest / 2))
            {
                continue;
            }

            try
            {
                await rebalancer.SuspendRebalancing(Rest);
                restsSince = time.GetTimestamp();
            }
            catch (Exception e)
            {
                // Whatever it is, it is retried, and no reason to end a silo that serves from memory.
                LogNotSuspended(e);
            }
        }
    }

    [LoggerMessage(LogLevel.Warning, "Keys may be moved while the database is away: the rebalancer does not answer")]
    private partial void LogNotSuspended(Exception exception);
}

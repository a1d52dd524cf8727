using System.Globalization;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Clocks;

/// <summary>Whether this silo's clock can be trusted.</summary>
public interface IClockHealth
{
    /// <summary>Why this silo's clock cannot be trusted; null when it agrees with the database's.</summary>
    string? Problem { get; }
}

/// <summary>
/// Compares this silo's clock with the database's every few seconds. A silo whose clock is off rotates at the wrong times and
/// writes wrong times into rows, so it is not ready until the clocks agree again. While the database is away, the last result
/// stands.
/// </summary>
internal sealed partial class ClockWatch(
    ErasureClock clocks, ReferenceClock reference, TimeProvider timers, ILogger<ClockWatch> logger) : BackgroundService, IClockHealth
{
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(2);

    private volatile string? _problem;
    private bool _jumped;

    /// <inheritdoc/>
    public string? Problem => _problem;

    /// <summary>Compares the clocks once.</summary>
    /// <exception cref="StorageFailedException">The database did not return the time.</exception>
    public async Task Compare(CancellationToken cancellationToken)
    {
        var began = timers.GetTimestamp();
        var reading = await clocks.Read(cancellationToken);

        // The reference was read at some moment during the call, and this process's clock at its end.
        var (early, late) = (reading.Own - timers.GetElapsedTime(began) - reading.Reference, reading.Own - reading.Reference);
        var off = early > Database.MaxClockDifference ? early : late < -Database.MaxClockDifference ? late : TimeSpan.Zero;
        if (!reference.IsIndependent)
        {
            ReportJump(off);
            return;
        }

        var problem = off == TimeSpan.Zero ? null : string.Create(
            CultureInfo.InvariantCulture,
            $"this silo's clock is {off.Duration().TotalSeconds:0} s {(off > TimeSpan.Zero ? "ahead of" : "behind")} the database's, and at most {Database.MaxClockDifference.TotalSeconds:0} s are tolerated");
        if (problem is not null && _problem is null)
        {
            LogOff(problem);
        }
        else if (problem is null && _problem is not null)
        {
            LogAgrees();
        }

        _problem = problem;
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(_interval, timers);
        do
        {
            try
            {
                using var limit = new CancellationTokenSource(_patience, timers);
                using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, stoppingToken);
                await Compare(either.Token);
            }
            catch (Exception e) when (e is StorageFailedException or OperationCanceledException)
            {
                // Other probes report that the database is away.
            }
        }
        while (await Tick(timer, stoppingToken));
    }

    private static async Task<bool> Tick(PeriodicTimer timer, CancellationToken stoppingToken)
    {
        try
        {
            return await timer.WaitForNextTickAsync(stoppingToken);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private void ReportJump(TimeSpan off)
    {
        if (off != TimeSpan.Zero && !_jumped)
        {
            LogJumped(off, reference.Name);
        }

        _jumped = off != TimeSpan.Zero;
    }

    [LoggerMessage(LogLevel.Error, "This silo is not ready: {Problem}")]
    private partial void LogOff(string problem);

    [LoggerMessage(LogLevel.Information, "This silo's clock agrees with the database's again")]
    private partial void LogAgrees();

    [LoggerMessage(LogLevel.Warning, "This machine's clock was set by {Off} while the service ran: an erasure waits until it "
        + "is also due by {Reference}; after a restart the new time counts")]
    private partial void LogJumped(TimeSpan off, string reference);
}

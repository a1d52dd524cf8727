using System.Diagnostics.Metrics;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OrleansKms.Grains.Storage;
using OrleansKms.Grains.Telemetry;

namespace OrleansKms.Grains.Providers;

/// <summary>
/// Searches the token a minute after the start and then once a day. Reports orphans in one warning and the metric
/// <c>hsm_orphans</c>, and removes none. Destroys what is left of destroyed versions.
/// </summary>
internal sealed partial class HsmOrphanWatch : BackgroundService
{
    private static readonly TimeSpan _afterStart = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan _betweenLooks = TimeSpan.FromDays(1);
    private static readonly TimeSpan _afterFailure = TimeSpan.FromMinutes(10);

    private readonly HsmOrphans _orphans;
    private readonly TimeProvider _time;
    private readonly ILogger<HsmOrphanWatch> _logger;
    private int _found;

    /// <summary>Watches the token.</summary>
    public HsmOrphanWatch(HsmOrphans orphans, TimeProvider time, IMeterFactory meters, ILogger<HsmOrphanWatch> logger)
    {
        (_orphans, _time, _logger) = (orphans, time, logger);
        meters.Create(KmsMeter.Name).CreateObservableGauge(
            "hsm_orphans", () => _found,
            description: "Keys on the token older than a day that no row names, at the last search.");
    }

    /// <summary>Searches now.</summary>
    /// <returns>How many orphans are older than a day; younger ones may be about to get a row.</returns>
    public async Task<int> Look(CancellationToken cancellationToken)
    {
        await _orphans.ShowFailedDestructions(cancellationToken);
        var (orphans, leftovers) = await _orphans.Sort(cancellationToken);
        foreach (var leftover in leftovers)
        {
            await TryDestroy(leftover, cancellationToken);
        }

        var old = orphans.Where(o => o.IsOld).ToList();
        _found = old.Count;
        if (old.Count > 0)
        {
            OrphansFound(old.Count, old[0].Id, old[0].Label);
        }

        return old.Count;
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            for (var pause = _afterStart; ;)
            {
                await Task.Delay(pause, _time, stoppingToken);
                pause = await TryLook(stoppingToken) ? _betweenLooks : _afterFailure;
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The silo is stopping.
        }
    }

    private async Task<bool> TryLook(CancellationToken cancellationToken)
    {
        try
        {
            await Look(cancellationToken);
            return true;
        }
        catch (Exception e) when (e is KmsException or StorageFailedException)
        {
            LookFailed(e.InnerException?.Message ?? e.Message);
            return false;
        }
    }

    private async Task TryDestroy(HsmKeyFound leftover, CancellationToken cancellationToken)
    {
        try
        {
            await _orphans.Destroy(leftover, cancellationToken);
            LeftoverDestroyed(leftover.Label);
        }
        catch (KmsException e)
        {
            // The next search tries again.
            LeftoverStays(leftover.Label, e.InnerException?.Message ?? e.Message);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Label} was destroyed before, and is now gone from the token, too")]
    private partial void LeftoverDestroyed(string label);

    [LoggerMessage(Level = LogLevel.Warning, Message =
        "{Label} is destroyed but still on the token; the next try is tomorrow: {Reason}")]
    private partial void LeftoverStays(string label, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message =
        "{Count} keys on the token belong to no key of this database; the first is {ObjectId} ({Label}). List them with the "
            + "command hsm-orphans")]
    private partial void OrphansFound(int count, string objectId, string label);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The search for orphans on the token failed: {Reason}")]
    private partial void LookFailed(string reason);
}

using System.Diagnostics.Metrics;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Hsm;

/// <summary>
/// Tells the operator of orphans on the token: a minute after the start and then once a day, in one warning and the metric
/// <c>hsm_orphans</c>. It removes nothing.
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
        meters.Create("OrleansKms").CreateObservableGauge(
            "hsm_orphans", () => _found, description: "Keys on the token that are older than a day and that no row knows, when last looked at.");
    }

    /// <summary>Looks now.</summary>
    /// <returns>How many orphans are older than a day; those that are not may be about to get a row.</returns>
    public async Task<int> Look(CancellationToken cancellationToken)
    {
        var old = (await _orphans.Find(cancellationToken)).Where(o => o.IsOld).ToList();
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
            // The silo stops.
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

    [LoggerMessage(Level = LogLevel.Warning, Message =
        "{Count} keys on the token belong to no key of this database; the first is {ObjectId} ({Label}). The command hsm-orphans lists them")]
    private partial void OrphansFound(int count, string objectId, string label);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The token could not be searched for keys that belong to no row: {Reason}")]
    private partial void LookFailed(string reason);
}

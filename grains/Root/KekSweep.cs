using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Root;

/// <summary>
/// Carries out a rotation of the KEK: makes the new KEK current once every silo has opened it, then reseals the rows of the old
/// ones, at the configured rate. Every silo runs it; a lock admits one. Its progress is in the rows themselves, so another silo
/// continues where one died.
/// </summary>
internal sealed partial class KekSweep(
    KekRotation rotation, KekRecords records, KekRing ring, RowResealing rows, Database database, DatabaseOptions options,
    TimeProvider time, ILogger<KekSweep> logger)
    : BackgroundService
{
    private const int MaxStep = 100;

    // Five steps a second, so that a low rate is a trickle and not a burst each second.
    private const int StepsPerSecond = 5;

    // Rows that do not open stay where they are. Beyond this many, more is wrong than a few damaged rows.
    private const int MaxDamaged = 1000;

    private static readonly TimeSpan _pauseAfterDamage = TimeSpan.FromMinutes(10);

    private readonly Dictionary<KekId, long> _damagedAt = [];
    private bool _isFailing;

    /// <summary>Does what there is to do now.</summary>
    public async Task Run(CancellationToken cancellationToken)
    {
        await rotation.Trust(cancellationToken);
        if (await rotation.Promote(cancellationToken))
        {
            await ring.Refresh(cancellationToken);
        }

        foreach (var kek in (await records.ReadOthers(cancellationToken)).Where(k => k is { SupersededAt: not null, Rows: > 0 }))
        {
            if (_damagedAt.TryGetValue(kek.Id, out var at) && time.GetElapsedTime(at) < _pauseAfterDamage)
            {
                continue;
            }

            await using var alone = await database.TryLockResealing(cancellationToken);
            if (alone is not null && kek.Id != ring.Current.Id)
            {
                await Reseal(kek.Id, cancellationToken);
            }
        }
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.PresenceInterval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await Run(stoppingToken);
                _isFailing = false;
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                // What was not done is retried; an outage is one line.
                if (!_isFailing)
                {
                    SweepFailed((e as DatabaseUnreachableException)?.InnerException?.Message ?? e.Message);
                }

                _isFailing = true;
            }
        }
    }

    private async Task Reseal(KekId kek, CancellationToken cancellationToken)
    {
        SweepBegins(kek, ring.Current.Id);
        var damaged = new HashSet<(string, string)>();
        var done = 0L;
        var rate = (double)options.ResealRate;
        while (true)
        {
            var startedAt = time.GetTimestamp();
            var limit = Math.Clamp(options.ResealRate / StepsPerSecond, 1, MaxStep);
            var step = await Step(kek, limit, damaged, rate, cancellationToken);
            done += step.Resealed;
            if (step.Read == 0 || damaged.Count > MaxDamaged)
            {
                break;
            }

            var least = TimeSpan.FromSeconds((double)step.Read / options.ResealRate);
            if (least - time.GetElapsedTime(startedAt) is { Ticks: > 0 } rest)
            {
                await Task.Delay(rest, time, cancellationToken);
            }

            rate = step.Resealed / time.GetElapsedTime(startedAt).TotalSeconds;
        }

        if (damaged.Count > 0)
        {
            _damagedAt[kek] = time.GetTimestamp();
            SweepLeavesRows(kek, done, damaged.Count);
        }
        else
        {
            SweepEnds(kek, done);
        }
    }

    private async Task<ResealStep> Step(
        KekId kek, int limit, HashSet<(string, string)> damaged, double rate, CancellationToken cancellationToken)
    {
        var read = (await rows.Read(kek, limit + damaged.Count, cancellationToken)).FindAll(r => !damaged.Contains((r.Name, r.Key)));
        var resealed = new List<(StoredRow, byte[])>();
        foreach (var row in read)
        {
            if (rows.TryReseal(row) is { } payload)
            {
                resealed.Add((row, payload));
            }
            else if (damaged.Add((row.Name, row.Key)))
            {
                RowDoesNotOpen(row.Name, row.Key[RowDirectory.KeyMark.Length..]);
            }
        }

        return new(read.Count, resealed.Count == 0 ? 0 : await rows.Replace(kek, resealed, rate, cancellationToken));
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Resealing the rows under KEK {From} under {To}")]
    private partial void SweepBegins(KekId from, KekId to);

    [LoggerMessage(Level = LogLevel.Information, Message = "No row is under KEK {KekId} any more; {Count} were resealed now")]
    private partial void SweepEnds(KekId kekId, long count);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Count} rows under KEK {KekId} were resealed; {Damaged} do not open and "
        + "stay as they are")]
    private partial void SweepLeavesRows(KekId kekId, long count, int damaged);

    [LoggerMessage(Level = LogLevel.Error, Message = "The row {RowName} of {Key} does not open and was not resealed")]
    private partial void RowDoesNotOpen(string rowName, string key);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Resealing is interrupted: {Reason}")]
    private partial void SweepFailed(string reason);
}

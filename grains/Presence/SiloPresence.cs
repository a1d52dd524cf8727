using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Presence;

/// <summary>
/// Writes a heartbeat every few seconds: that this silo runs, what its program supports and which KEKs it has opened. Picks up
/// what the others have decided: the feature level, new KEKs, destroyed ones. Decisions rely on the heartbeats; so a silo that
/// has not written one for too long stops working with rows.
/// </summary>
internal sealed partial class SiloPresence(
    SiloRegistry registry, IAnnouncedKeks keks, FeatureLevels levels, IServiceProvider services, DatabaseOptions options,
    Database database, TimeProvider time, ILogger<SiloPresence> logger)
    : BackgroundService, IHostedLifecycleService, IClusterContact
{
    private static readonly TimeSpan _patience = SiloRegistry.LifeAfterHeartbeat / 2;

    // Below the time-out of a command, at which a wait for a standby is cut off and looks like a commit; and above what a busy
    // disk takes.
    private static readonly TimeSpan _commitPatience = TimeSpan.FromSeconds(4);

    // The only silo of a database writes heartbeats for the probe alone, and need not wake the disk each time.
    private static readonly TimeSpan _restAlone = TimeSpan.FromSeconds(10);

    private long _beatAt;
    private long _writtenAt;
    private long _writingSince;
    private volatile Exception? _writeFailure;
    private Heartbeat? _last;
    private bool _isFailing;
    private volatile bool _isOutdated;

    /// <inheritdoc/>
    public bool IsFresh => !_isOutdated
        && (_last is null || !database.IsShared || time.GetElapsedTime(Volatile.Read(ref _beatAt)) < _patience);

    /// <summary>
    /// Why this silo's writes are not committed; null while the last heartbeat was, or its commit may still take a while. A
    /// commit that waits, as for an absent standby, does not count.
    /// </summary>
    public Exception? WriteFailure
    {
        get
        {
            var since = Volatile.Read(ref _writingSince);
            return since != 0 && time.GetElapsedTime(since) > _commitPatience ? TooSlow() : _writeFailure;
        }
    }

    /// <summary>
    /// Writes the first heartbeat. The caller has held the schema's lock since before it opened the ring, so no decision can have
    /// been made that this silo missed.
    /// </summary>
    public async Task Enter(CancellationToken cancellationToken)
    {
        await registry.RemoveDead(cancellationToken);
        var silo = services.GetRequiredService<ILocalSiloDetails>();
        await Beat(new(silo.ClusterId, silo.SiloAddress.ToParsableString(), keks.CurrentId, keks.Ids, keks.RootId), cancellationToken);
    }

    /// <summary>Takes over the cluster's decisions, and writes a heartbeat that reflects them.</summary>
    public async Task Beat(CancellationToken cancellationToken)
    {
        try
        {
            await keks.Refresh(cancellationToken);
        }
        finally
        {
            // Also when the root does not answer: what the heartbeat reports is still true, and a silo need not give up because
            // of a new KEK.
            await Beat(_last! with { CurrentKek = keks.CurrentId, Keks = keks.Ids }, cancellationToken);
        }
    }

    /// <inheritdoc/>
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Everything has stopped: nothing is read or sealed here any more.</summary>
    public async Task StoppedAsync(CancellationToken cancellationToken)
    {
        if (_last is not { } last)
        {
            return;
        }

        try
        {
            await registry.Remove(last.ClusterId, last.Silo, cancellationToken);
        }
        catch (Exception e)
        {
            // The row stands until it is too old; only decisions wait for it.
            LogNotRemoved(Reason(e));
        }
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.PresenceInterval, time);
        while (_last is not null && await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await Beat(stoppingToken);
                Report(null);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                Report(e);
            }
        }
    }

    private async Task Beat(Heartbeat heartbeat, CancellationToken cancellationToken)
    {
        var isKnown = !database.IsShared && _last is { } last && last.CurrentKek == heartbeat.CurrentKek && last.Keks.SequenceEqual(heartbeat.Keks)
            && _writeFailure is null && time.GetElapsedTime(_writtenAt) < _restAlone;
        var startedAt = time.GetTimestamp();
        var level = isKnown ? await registry.ReadFeatureLevel(cancellationToken) : await Write(heartbeat, startedAt, cancellationToken);
        _last = heartbeat;
        Volatile.Write(ref _beatAt, startedAt);
        if (!levels.Note(level) && !_isOutdated)
        {
            _isOutdated = true;
            LogOutdated(level, FeatureLevels.Newest);
            services.GetService<IHostApplicationLifetime>()?.StopApplication();
        }
    }

    private async Task<int> Write(Heartbeat heartbeat, long startedAt, CancellationToken cancellationToken)
    {
        Volatile.Write(ref _writingSince, startedAt);
        try
        {
            var level = await registry.Write(heartbeat, cancellationToken);
            _writeFailure = time.GetElapsedTime(startedAt) > _commitPatience ? TooSlow() : null;
            _writtenAt = startedAt;
            return level;
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            _writeFailure = e;
            throw;
        }
        finally
        {
            Volatile.Write(ref _writingSince, 0);
        }
    }

    private static TimeoutException TooSlow() => new("Writes are not committed in time.");

    // One line for each change, as in the database probe.
    private void Report(Exception? failure)
    {
        if (failure is not null && !_isFailing)
        {
            LogFailing(Reason(failure));
        }
        else if (failure is null && _isFailing)
        {
            LogBeatsAgain();
        }

        _isFailing = failure is not null;
    }

    private static string Reason(Exception e) => (e as DatabaseUnreachableException)?.InnerException?.Message ?? e.Message;

    [LoggerMessage(Level = LogLevel.Warning, Message = "This silo cannot write its heartbeat: {Reason}")]
    private partial void LogFailing(string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "This silo writes its heartbeat again")]
    private partial void LogBeatsAgain();

    [LoggerMessage(Level = LogLevel.Warning, Message = "This silo has stopped, but could not remove its row: {Reason}")]
    private partial void LogNotRemoved(string reason);

    [LoggerMessage(Level = LogLevel.Critical, Message = "The cluster's feature level was raised to {Level}, and this program supports no more than {Newest}: it stops")]
    private partial void LogOutdated(int level, int newest);
}

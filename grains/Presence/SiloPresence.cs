using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OrleansKms.Grains.Root;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Presence;

/// <summary>
/// Signs every few seconds that this silo runs, what its program supports and which KEKs it has opened, and learns what the
/// others have decided meanwhile: the feature level, new KEKs, destroyed ones. Whoever decides counts on what is signed; so a
/// silo that cannot sign for long no longer works with rows.
/// </summary>
internal sealed partial class SiloPresence(
    SiloRegistry registry, KekRing ring, FeatureLevels levels, IServiceProvider services, KmsStorageOptions options,
    Database database, TimeProvider time, ILogger<SiloPresence> logger)
    : BackgroundService, IHostedLifecycleService
{
    private static readonly TimeSpan _patience = SiloRegistry.LifeAfterSign / 2;

    // Below the time-out of a command, at which a wait for a standby is cut off and looks like a commit; and above what a busy disk takes.
    private static readonly TimeSpan _commitPatience = TimeSpan.FromSeconds(4);

    // The only silo of its database signs for the probe alone, and need not wake the disk each time.
    private static readonly TimeSpan _restAlone = TimeSpan.FromSeconds(10);

    private long _signedAt;
    private long _writtenAt;
    private long _writingSince;
    private volatile Exception? _writeFailure;
    private SiloSign? _signed;
    private bool _isFailing;
    private volatile bool _isOutdated;

    /// <summary>
    /// Whether what this silo knows of the level and the KEKs is recent. Always so for a process that never entered, since it
    /// holds the schema's lock, and for the only silo of its database.
    /// </summary>
    public bool IsFresh => !_isOutdated
        && (_signed is null || !database.IsShared || time.GetElapsedTime(Volatile.Read(ref _signedAt)) < _patience);

    /// <summary>
    /// Why what this silo writes is not committed; null while the last sign was, and in the time that a commit may take. One that waits,
    /// as for a standby that is away, is none.
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
    /// Signs for the first time. The caller holds the schema's lock since before it opened the ring, so nobody can have decided
    /// anything that this silo does not know.
    /// </summary>
    public async Task Enter(CancellationToken cancellationToken)
    {
        await registry.RemoveDead(cancellationToken);
        var silo = services.GetRequiredService<ILocalSiloDetails>();
        await Sign(new(silo.ClusterId, silo.SiloAddress.ToParsableString(), ring.Current.Id, ring.Ids, ring.RootId), cancellationToken);
    }

    /// <summary>Takes over what was decided, and signs it.</summary>
    public async Task Beat(CancellationToken cancellationToken)
    {
        try
        {
            await ring.Refresh(cancellationToken);
        }
        finally
        {
            // Also where the root does not answer: what is signed is true, and a silo need not give up because of a new KEK.
            await Sign(_signed! with { CurrentKek = ring.Current.Id, Keks = ring.Ids }, cancellationToken);
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
        if (_signed is not { } signed)
        {
            return;
        }

        try
        {
            await registry.Remove(signed.ClusterId, signed.Silo, cancellationToken);
        }
        catch (Exception e)
        {
            // The row stands until it is too old; nothing but a decision waits for it.
            LogNotRemoved(Reason(e));
        }
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.PresenceInterval, time);
        while (_signed is not null && await timer.WaitForNextTickAsync(stoppingToken))
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

    private async Task Sign(SiloSign sign, CancellationToken cancellationToken)
    {
        var isKnown = !database.IsShared && _signed is { } last && last.CurrentKek == sign.CurrentKek && last.Keks.SequenceEqual(sign.Keks)
            && _writeFailure is null && time.GetElapsedTime(_writtenAt) < _restAlone;
        var startedAt = time.GetTimestamp();
        var level = isKnown ? await registry.ReadFeatureLevel(cancellationToken) : await Write(sign, startedAt, cancellationToken);
        _signed = sign;
        Volatile.Write(ref _signedAt, startedAt);
        if (!levels.Note(level) && !_isOutdated)
        {
            _isOutdated = true;
            LogOutdated(level, FeatureLevels.Newest);
            services.GetService<IHostApplicationLifetime>()?.StopApplication();
        }
    }

    private async Task<int> Write(SiloSign sign, long startedAt, CancellationToken cancellationToken)
    {
        Volatile.Write(ref _writingSince, startedAt);
        try
        {
            var level = await registry.Sign(sign, cancellationToken);
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

    private static TimeoutException TooSlow() => new("What is written is not committed in time.");

    // Once for each change, as the probe of the database does.
    private void Report(Exception? failure)
    {
        if (failure is not null && !_isFailing)
        {
            LogFailing(Reason(failure));
        }
        else if (failure is null && _isFailing)
        {
            LogSignsAgain();
        }

        _isFailing = failure is not null;
    }

    private static string Reason(Exception e) => (e as DatabaseUnreachableException)?.InnerException?.Message ?? e.Message;

    [LoggerMessage(Level = LogLevel.Warning, Message = "This silo cannot sign that it runs: {Reason}")]
    private partial void LogFailing(string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "This silo signs again that it runs")]
    private partial void LogSignsAgain();

    [LoggerMessage(Level = LogLevel.Warning, Message = "This silo has stopped and could not say so: {Reason}")]
    private partial void LogNotRemoved(string reason);

    [LoggerMessage(Level = LogLevel.Critical, Message = "The cluster's feature level was raised to {Level}, and this program supports no more than {Newest}: it stops")]
    private partial void LogOutdated(int level, int newest);
}

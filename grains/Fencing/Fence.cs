using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using OrleansKms.Grains.Clocks;
using OrleansKms.Grains.Storage;
using OrleansKms.Grains.Telemetry;

namespace OrleansKms.Grains.Fencing;

/// <summary>
/// Bounds how long an overtaken activation goes on answering. Orleans keeps one activation of a key, but for a moment there may
/// be two: after a partition, or when a silo was frozen and the others gave it up. Stored versions keep writes safe then; the
/// fence keeps answers safe. It asks the database every few seconds what changed and ends activations that fell behind; and
/// because nothing runs in a frozen process, each operation checks a deadline before its answer leaves.
/// </summary>
/// <remarks>
/// The deadline counts from the start of a poll, because a poll accounts for what was committed before it started. A poll whose
/// answer lay in a buffer while the process was frozen is an old poll.
/// </remarks>
internal sealed partial class Fence : IHostedLifecycleService, IDisposable
{
    private readonly ConcurrentDictionary<GrainId, FenceMark> _marks = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly FenceQuery _query;
    private readonly BootClock _clock;
    private readonly TimeProvider _time;
    private readonly TimeSpan _interval;
    private readonly TimeSpan _waitLimit;
    private readonly ILogger _logger;
    private readonly Counter<long> _ended;
    private readonly long _patience;
    private readonly long _grace;
    private long _answerBy = long.MinValue;
    private long _waitFrom = long.MinValue;
    private long _refuseFrom = long.MinValue;
    private FencePosition? _position;
    private Round _next = new();
    private Task _polling = Task.CompletedTask;
    private bool _isFailing;
    private bool _isDisposed;
    private long _endedCount;

    /// <summary>Sets up the fence; the first poll is at the start.</summary>
    public Fence(
        FenceOptions options, FenceQuery query, BootClock clock, TimeProvider time,
        IOptions<SiloMessagingOptions> messaging, IMeterFactory meters, ILogger<Fence> logger)
    {
        _query = query;
        _clock = clock;
        _time = time;
        _interval = options.Interval;
        _patience = Nanoseconds(options.Interval) * FenceOptions.Intervals;
        _grace = Nanoseconds(options.Grace);
        _waitLimit = messaging.Value.ResponseTimeout;
        _logger = logger;
        _ended = meters.Create(KmsMeter.Name).CreateCounter<long>(
            "fence_activations_ended", "{activation}", "Activations that ended because another one had changed their row.");
    }

    /// <summary>Whether the last poll is recent enough for answers to leave.</summary>
    public bool IsFresh => _clock.Now <= Volatile.Read(ref _answerBy);

    /// <summary>All registered marks.</summary>
    public IEnumerable<FenceMark> Marks => _marks.Select(m => m.Value);

    /// <summary>How many activations the fence has ended.</summary>
    public long EndedCount => Volatile.Read(ref _endedCount);

    /// <summary>Registers an activation with its silo's fence, before it reads anything.</summary>
    /// <returns>Null where there is no fence.</returns>
    public static FenceMark? Register(IGrainContext activation) => activation.ActivationServices.GetService<Fence>()?.Add(activation);

    /// <summary>Registers an activation, before it reads anything.</summary>
    public FenceMark Add(IGrainContext activation)
    {
        var mark = new FenceMark(this, activation);
        _marks.AddOrUpdate(activation.GrainId, mark, (_, former) =>
        {
            former.Replaced();
            return mark;
        });
        return mark;
    }

    /// <summary>The mark of a grain that is active on this silo.</summary>
    public FenceMark? Find(GrainId grain) => _marks.GetValueOrDefault(grain);

    /// <summary>Removes an activation.</summary>
    public void Remove(FenceMark mark) => _marks.TryRemove(new(mark.Grain, mark));

    /// <summary>Ends an activation that is behind, so that its material is zeroed. Thread-safe.</summary>
    public void End(IGrainContext activation)
    {
        Interlocked.Increment(ref _endedCount);
        _ended.Add(1);
        LogBehind(activation.GrainId);
        activation.Deactivate(new(DeactivationReasonCode.ApplicationRequested, "Another activation changed the row."));
    }

    /// <summary>Waits for a recent poll.</summary>
    /// <exception cref="KmsException">storage_unavailable: none finished in time, or none has succeeded for too long.</exception>
    public async Task Settle()
    {
        using var limit = new CancellationTokenSource(_waitLimit, _time);
        try
        {
            while (_clock.Now > Volatile.Read(ref _waitFrom))
            {
                await NextPoll().WaitAsync(limit.Token);
            }
        }
        catch (OperationCanceledException)
        {
            throw KmsError.StorageUnavailable.Exception();
        }

        if (!IsFresh)
        {
            throw KmsError.StorageUnavailable.Exception();
        }
    }

    /// <summary>Requests a poll; completes when a poll that began after the call has finished, successfully or not.</summary>
    public Task NextPoll()
    {
        var round = Volatile.Read(ref _next);
        round.Wanted.TrySetResult();
        return round.Finished.Task;
    }

    /// <inheritdoc/>
    public Task StartingAsync(CancellationToken cancellationToken)
    {
        _polling = Task.Run(PollUntilStopped, CancellationToken.None);
        return Task.CompletedTask;
    }

    /// <summary>Only at this point: calls in flight are answered while the silo stops, and need polls.</summary>
    public async Task StoppedAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        await _polling;
    }

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public void Dispose()
    {
        // It is registered twice, so it is disposed twice.
        if (!_isDisposed)
        {
            _isDisposed = true;
            _stopping.Cancel();
            _stopping.Dispose();
        }
    }

    private static long Nanoseconds(TimeSpan time) => time.Ticks * TimeSpan.NanosecondsPerTick;

    private async Task PollUntilStopped()
    {
        var stopping = _stopping.Token;
        while (!stopping.IsCancellationRequested)
        {
            // Requests from here on need a poll that begins later than this one.
            var round = Interlocked.Exchange(ref _next, new());
            var begun = _time.GetTimestamp();
            await Poll(stopping);
            round.Finished.TrySetResult();
            var rest = _interval - _time.GetElapsedTime(begun);
            if (rest > TimeSpan.Zero)
            {
                await Volatile.Read(ref _next).Wanted.Task.WaitAsync(rest, _time, stopping)
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task Poll(CancellationToken stopping)
    {
        var startedAt = _clock.Now;
        using var timeout = new CancellationTokenSource(_interval, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, stopping);
        try
        {
            _position = await _query.Poll(_position, this, either.Token).WaitAsync(either.Token);
            _refuseFrom = startedAt + _grace;
            Report(null);
        }
        catch (Exception e)
        {
            if (stopping.IsCancellationRequested)
            {
                return;
            }

            if (e is EpochEndedException or EvictedException)
            {
                // Nothing that this silo knows can be trusted.
                _refuseFrom = long.MinValue;
            }

            Report(timeout.IsCancellationRequested ? new TimeoutException("The database did not answer in time.", e) : e);
        }

        // After the marks, so that whoever sees the new deadline sees the marks, too.
        Volatile.Write(ref _waitFrom, startedAt + _patience);
        Volatile.Write(ref _answerBy, Math.Min(_waitFrom, _refuseFrom));
    }

    // One line for each change.
    private void Report(Exception? failure)
    {
        if (failure is not null && !_isFailing)
        {
            LogFailing(failure is DatabaseUnreachableException ? failure.InnerException!.Message : failure.Message);
        }
        else if (failure is null && _isFailing)
        {
            LogWorking();
        }

        _isFailing = failure is not null;
    }

    /// <summary>The callers that wait for a poll, and the pending requests for one.</summary>
    private sealed class Round
    {
        public TaskCompletionSource Wanted { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Finished { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    [LoggerMessage(LogLevel.Warning, "{GrainId}: another activation changed its row; this one ends")]
    private partial void LogBehind(GrainId grainId);

    [LoggerMessage(LogLevel.Error, "The fence cannot ask the database what changed: {Reason}")]
    private partial void LogFailing(string reason);

    [LoggerMessage(LogLevel.Information, "The fence can ask the database again")]
    private partial void LogWorking();
}

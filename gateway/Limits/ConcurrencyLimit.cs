using System.Diagnostics.Metrics;
using OrleansKms.Gateway.Configuration;

namespace OrleansKms.Gateway.Limits;

/// <summary>
/// Bounds concurrent requests, with a short queue; anything beyond is refused at once. The limit adapts to the grains. When even the
/// fastest answers take long, every request has queued somewhere, so the gateway admits only as many as are answered within the permitted
/// wait. Requests that hang, as those to a dead silo, do not lower the limit while others are answered fast. Where requests take long by
/// themselves, as in a distant HSM, a lower limit makes none of them faster and only admits fewer: then it is raised again, and what they
/// take counts as fast.
/// </summary>
/// <remarks>Not System.Threading.RateLimiting's limiter: its limit is fixed, and it allocates a lease per request.</remarks>
internal sealed class ConcurrencyLimit
{
    /// <summary>
    /// The minimum limit. So many are answered in time even where a silo answers ten a second; and fewer would starve it of work while
    /// answers are on their way.
    /// </summary>
    public const int Floor = 32;

    /// <summary>How often the limit is adjusted.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);

    // Fewer answers say nothing about the load. Where they are few, the limit is adjusted less often.
    private const int MinAnswers = 20;

    // Whatever requests take by themselves, beyond this they have queued.
    private static readonly TimeSpan _maxDelay = TimeSpan.FromSeconds(1);

    private static readonly Counter<long> _refused = new Meter("OrleansKms").CreateCounter<long>(
        "requests_shed", description: "Requests refused as overloaded before anything in them was examined.");

    private readonly Lock _lock = new();
    private readonly Queue<TaskCompletionSource<bool>> _waiting = [];
    private readonly TimeProvider _time;
    private readonly int _max;
    private readonly int _maxWaiting;
    private readonly TimeSpan _delay;
    private int _running;
    private int _answered;
    private bool _wasFull;
    private TimeSpan _fastest = TimeSpan.MaxValue;
    private TimeSpan _unqueued;
    private Cut? _cut;
    private long _since;

    public ConcurrencyLimit(GatewayOptions options, TimeProvider time)
    {
        (_time, _max, _maxWaiting, _delay) = (time, options.MaxConcurrentRequests, options.MaxQueuedRequests, options.OverloadDelay);
        (Limit, _since, _unqueued) = (_max, time.GetTimestamp(), _delay / 2);
    }

    /// <summary>The current maximum of concurrent requests.</summary>
    public int Limit { get; private set; }

    /// <summary>Takes a slot, queueing if none is free.</summary>
    /// <param name="patience">The maximum wait.</param>
    /// <returns>Whether a slot was taken; if not, the request is refused as <c>overloaded</c>.</returns>
    public ValueTask<bool> Enter(TimeSpan patience)
    {
        TaskCompletionSource<bool> turn;
        lock (_lock)
        {
            if (_running < Limit && _waiting.Count == 0)
            {
                _running++;
                return new(true);
            }

            _wasFull = true;
            if (_waiting.Count >= _maxWaiting)
            {
                _refused.Add(1);
                return new(false);
            }

            turn = new(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Enqueue(turn);
        }

        return new(Wait(turn, patience < _delay ? patience : _delay));
    }

    /// <summary>Releases the slot to the next request in the queue.</summary>
    /// <param name="took">How long the request held it; null if that says nothing about the grains.</param>
    public void Leave(TimeSpan? took)
    {
        lock (_lock)
        {
            _running--;
            if (took is { } time)
            {
                _answered++;
                _fastest = time < _fastest ? time : _fastest;
            }

            var now = _time.GetTimestamp();
            var passed = _time.GetElapsedTime(_since, now);
            if (passed >= Interval && (_answered >= MinAnswers || passed >= MinAnswers * Interval))
            {
                Adapt(passed);
                _since = now;
            }

            while (_running < Limit && _waiting.TryDequeue(out var next))
            {
                // A request that waited too long has left the queue already.
                _running += next.TrySetResult(true) ? 1 : 0;
            }
        }
    }

    private void Adapt(TimeSpan passed)
    {
        var permitted = 2 * _unqueued;
        permitted = permitted < _delay ? _delay : permitted > _maxDelay && _delay < _maxDelay ? _maxDelay : permitted;
        var rate = _answered / passed.TotalSeconds;
        if (_answered >= MinAnswers && _fastest > permitted)
        {
            Lower(rate, permitted);
        }
        else
        {
            _cut = null;
            if (_answered >= MinAnswers) Learn();
            if (_wasFull) Limit = Math.Min(_max, Limit + (Limit / 4) + 1);
        }

        (_answered, _fastest, _wasFull) = (0, TimeSpan.MaxValue, false);
    }

    private void Lower(double rate, TimeSpan permitted)
    {
        // Those that were admitted before the limit was lowered are still on their way.
        if (_running > Limit) return;
        if (_cut is { } cut && _wasFull && rate < 0.9 * cut.Rate && _fastest > 0.8 * cut.Fastest)
        {
            (_unqueued, Limit, _cut) = (_fastest, cut.Limit, null);
            return;
        }

        // The first of several cuts counts: each might cost little.
        _cut ??= new(Limit, rate, _fastest);
        Limit = Math.Clamp((int)(rate * permitted.TotalSeconds), Math.Min(Floor, _max), Limit);
    }

    // While requests wait for a place, the grains are as busy as the limit lets them be, so what they take is no measure.
    private void Learn()
    {
        if (_fastest < _unqueued) _unqueued = _fastest;
        else if (!_wasFull) _unqueued += (_fastest - _unqueued) / 8;
    }

    private async Task<bool> Wait(TaskCompletionSource<bool> turn, TimeSpan patience)
    {
        try
        {
            return await turn.Task.WaitAsync(patience, _time);
        }
        catch (TimeoutException)
        {
            // A slot handed over at this very moment is taken.
            if (!turn.TrySetResult(false)) return true;
            _refused.Add(1);
            return false;
        }
    }

    /// <summary>The limit before it was lowered, and how the grains answered then.</summary>
    private sealed record Cut(int Limit, double Rate, TimeSpan Fastest);
}

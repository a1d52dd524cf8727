using System.Diagnostics.Metrics;
using OrleansKms.Gateway.Configuration;

namespace OrleansKms.Gateway.Limits;

/// <summary>
/// Bounds concurrent requests, with a short queue; anything beyond is refused at once. The limit adapts to the grains. When even the
/// fastest answers take long, every request has queued somewhere, so the gateway admits only as many as are answered within the permitted
/// wait. Requests that hang, as those to a dead silo, do not lower the limit while others are answered fast.
/// </summary>
/// <remarks>Not System.Threading.RateLimiting's limiter: its limit is fixed, and it allocates a lease per request.</remarks>
internal sealed class ConcurrencyLimit
{
    /// <summary>The minimum limit: fewer concurrent requests overload nobody.</summary>
    public const int Floor = 256;

    /// <summary>How often the limit is adjusted.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);

    // Fewer answers say nothing about the load.
    private const int MinAnswers = 20;

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
    private long _since;

    public ConcurrencyLimit(GatewayOptions options, TimeProvider time)
    {
        (_time, _max, _maxWaiting, _delay) = (time, options.MaxConcurrentRequests, options.MaxQueuedRequests, options.OverloadDelay);
        (Limit, _since) = (_max, time.GetTimestamp());
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
            if (passed >= Interval)
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
        if (_answered >= MinAnswers && _fastest > _delay)
        {
            Limit = Math.Clamp((int)(_answered / passed.TotalSeconds * _delay.TotalSeconds), Math.Min(Floor, _max), _max);
        }
        else if (_wasFull)
        {
            Limit = Math.Min(_max, Limit + (Limit / 4) + 1);
        }

        (_answered, _fastest, _wasFull) = (0, TimeSpan.MaxValue, false);
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
}

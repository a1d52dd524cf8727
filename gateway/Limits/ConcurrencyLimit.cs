using System.Diagnostics.Metrics;
using OrleansKms.Gateway.Configuration;

namespace OrleansKms.Gateway.Limits;

/// <summary>
/// How many requests are worked on at once, and a short queue of those that wait; the rest is refused at once. The limit follows what
/// the grains can do: when even the fastest answers take long, all of them have waited, and no more requests are let in than are
/// answered in the time that a wait may take. Requests that hang, as those of a silo that has died, do not lower it while others are
/// answered fast.
/// </summary>
/// <remarks>Not System.Threading.RateLimiting's limiter, whose limit is fixed and which allocates a lease for each request.</remarks>
internal sealed class ConcurrencyLimit
{
    /// <summary>The limit does not fall below this: fewer requests at once are nobody's overload.</summary>
    public const int Floor = 256;

    /// <summary>How often the limit is looked at.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);

    // Fewer answers tell nothing.
    private const int MinAnswers = 20;

    private static readonly Counter<long> _refused = new Meter("OrleansKms").CreateCounter<long>(
        "requests_shed", description: "Requests that were refused as overloaded before anything of them was looked at.");

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

    /// <summary>How many requests may be worked on at once now.</summary>
    public int Limit { get; private set; }

    /// <summary>Takes a place, after a wait in the queue if there is none free.</summary>
    /// <param name="patience">How long the request can wait.</param>
    /// <returns>Whether it has a place; if not, it is refused as <c>overloaded</c>.</returns>
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

    /// <summary>Gives the place back, to the next who waits.</summary>
    /// <param name="took">How long the request had it; null where that says nothing of the grains.</param>
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
                // One that has waited too long is out already.
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
            // A place that is given at this very moment is taken.
            if (!turn.TrySetResult(false)) return true;
            _refused.Add(1);
            return false;
        }
    }
}

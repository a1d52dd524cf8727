namespace OrleansKms.Silo.Clustering.Admission;

/// <summary>What became of a call's number.</summary>
internal enum CallEntry
{
    /// <summary>It has a place until it is answered.</summary>
    Taken,

    /// <summary>There is no place.</summary>
    Full,

    /// <summary>A call with this number is not answered yet. Orleans gives each call a number of its own.</summary>
    Repeated,
}

/// <summary>
/// The calls of one connection that are not answered. Refused ones are among them, without a place, until they are told: otherwise
/// the answer to a refused call could free the place of another that has the same number.
/// </summary>
internal sealed class CallPlaces(CallLimit limit, bool isService, TimeProvider clock) : IDisposable
{
    private const long Refused = -1;

    /// <summary>No answer comes later than a request may take; a client may say that it waits for longer.</summary>
    private static readonly TimeSpan _longest = 2 * KmsLimits.MaxRequestTimeout;

    private readonly Lock _lock = new();
    private readonly Dictionary<long, long> _until = [];
    private bool _isOver;

    /// <summary>A call has arrived.</summary>
    /// <param name="number">Its number.</param>
    /// <param name="milliseconds">How long the client waits; null if it did not say.</param>
    public CallEntry Enter(long number, int? milliseconds)
    {
        var wait = milliseconds is { } said and >= 0 ? TimeSpan.FromMilliseconds(said) : _longest;
        lock (_lock)
        {
            if (_isOver) return CallEntry.Full;
            if (_until.ContainsKey(number)) return CallEntry.Repeated;
            _until.Add(number, Refused);
        }
        // Not under the lock: whoever finds no place looks through all connections for some.
        if (!limit.TryTake(isService)) return CallEntry.Full;
        var until = clock.GetTimestamp() + ((wait < _longest ? wait : _longest).Ticks * clock.TimestampFrequency / TimeSpan.TicksPerSecond);
        lock (_lock)
        {
            if (!_isOver)
            {
                _until[number] = until;
                return CallEntry.Taken;
            }
        }
        limit.Leave(isService, 1);
        return CallEntry.Full;
    }

    /// <summary>An answer leaves.</summary>
    public void Answered(long number)
    {
        lock (_lock)
        {
            if (!_until.Remove(number, out var until) || until == Refused) return;
        }
        limit.Leave(isService, 1);
    }

    /// <summary>Frees the places of calls for which nobody waits any longer: a silo drops those unanswered.</summary>
    public void Sweep()
    {
        var freed = 0;
        lock (_lock)
        {
            var now = clock.GetTimestamp();
            foreach (var (number, until) in _until)
            {
                if (until == Refused || until > now) continue;
                _until.Remove(number);
                freed++;
            }
        }
        limit.Leave(isService, freed);
    }

    /// <summary>The connection is over, and nobody gets the answers.</summary>
    public void Dispose()
    {
        limit.End(this);
        var freed = 0;
        lock (_lock)
        {
            _isOver = true;
            foreach (var until in _until.Values) freed += until == Refused ? 0 : 1;
            _until.Clear();
        }
        limit.Leave(isService, freed);
    }
}

namespace OrleansKms.Gateway.Limits;

/// <summary>
/// This gateway's share of one limit of a principal or namespace. It reserves uses in the limit's grain, in blocks that last a small part
/// of the window at the current rate. A use within the block costs no call, and the next block is fetched before the current one runs out.
/// While the grain does not answer, this gateway enforces the limit by itself.
/// </summary>
internal sealed class SharedLimit(string subject, LimitRule rule, Func<ReserveUses, Task<ReservedUses>> reserve, TimeProvider time)
{
    // Smaller blocks are not prefetched: uses of a small limit must not be left unused.
    private const long MinAhead = 8;
    private const int Parts = 60;

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(1);
    private static readonly string _gateway = Guid.NewGuid().ToString("N");
    private static readonly Caller _caller = new("gateway", "gateway", "limits");

    private readonly Lock _lock = new();
    private long _left;
    private long _held;
    private long _window;
    private long _endsAt;
    private long _block = 1;
    private long _taken;
    private long _countedSince = time.GetTimestamp();
    private long _fullUntil;
    private long _fullFor;
    private Task? _fetching;

    /// <summary>The limit.</summary>
    public LimitRule Rule => rule;

    /// <summary>Takes uses from the block, if it has enough.</summary>
    public bool TryTake(long uses)
    {
        lock (_lock)
        {
            if (_left < uses || time.GetTimestamp() >= _endsAt) return false;
            _left -= uses;
            _taken += uses;
            if (_block >= MinAhead && _left < _block / 2 && time.GetTimestamp() >= _fullUntil) _fetching ??= Fetch(1);
            return true;
        }
    }

    /// <summary>Takes uses, fetching a block if necessary.</summary>
    /// <exception cref="KmsException">rate_limited.</exception>
    public async Task Take(long uses)
    {
        while (!TryTake(uses))
        {
            Task fetching;
            lock (_lock)
            {
                var now = time.GetTimestamp();
                if (uses > rule.Count || (now < _fullUntil && uses >= _fullFor)) throw LimitRules.Refusal(subject, rule, time.GetElapsedTime(now, Math.Max(now, _fullUntil)));
                fetching = _fetching ??= Fetch(uses);
            }

            await fetching;
        }
    }

    /// <summary>Returns uses that were not made.</summary>
    public void GiveBack(long uses)
    {
        lock (_lock)
        {
            if (time.GetTimestamp() < _endsAt && _left + uses <= _held) _left += uses;
        }
    }

    private async Task Fetch(long needed)
    {
        // Never within the caller's lock.
        await Task.Yield();
        var asked = time.GetTimestamp();
        ReservedUses answer;
        try
        {
            answer = await reserve(Request(needed, asked)).WaitAsync(_patience, time);
        }
        catch (Exception)
        {
            answer = OnOwn(needed, asked);
        }

        lock (_lock)
        {
            Note(answer, needed, asked);
            _fetching = null;
        }
    }

    private ReserveUses Request(long needed, long now)
    {
        lock (_lock)
        {
            var passed = Math.Max(time.GetElapsedTime(_countedSince, now).TotalSeconds, 0.001);
            var atThisRate = (long)(_taken / passed * rule.Per.TotalSeconds / Parts);
            _block = Math.Clamp(atThisRate, 1, Math.Max(1, rule.Count / Parts));
            (_taken, _countedSince) = (0, now);
            var isOpen = now < _endsAt;
            return new()
            {
                Caller = _caller,
                Count = rule.Count,
                Per = rule.Per,
                Needed = needed,
                Wanted = _block,
                Gateway = _gateway,
                Held = isOpen ? _held : 0,
                HeldFor = isOpen ? time.GetElapsedTime(now, _endsAt) : TimeSpan.Zero,
            };
        }
    }

    // As if there were no other gateway.
    private ReservedUses OnOwn(long needed, long now)
    {
        lock (_lock)
        {
            var isOpen = now < _endsAt;
            var room = rule.Count - (isOpen ? _held : 0);
            return new(
                needed <= room ? Math.Min(Math.Max(needed, _block), room) : 0, isOpen ? _window : _window + 1,
                isOpen ? time.GetElapsedTime(now, _endsAt) : rule.Per);
        }
    }

    private void Note(ReservedUses answer, long needed, long asked)
    {
        var endsAt = asked + (long)(answer.EndsIn.TotalSeconds * time.TimestampFrequency);
        if (answer.Window != _window || asked >= _endsAt)
        {
            (_window, _left, _held) = (answer.Window, 0, 0);
        }

        // Measured from before the call, so that the window never ends later here than in the grain.
        (_endsAt, _left, _held) = (endsAt, _left + answer.Granted, _held + answer.Granted);
        (_fullUntil, _fullFor) = answer.Granted == 0 ? (endsAt, needed) : (0, 0);
    }
}

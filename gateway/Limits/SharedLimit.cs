namespace OrleansKms.Gateway.Limits;

/// <summary>
/// This gateway's share of one limit of a principal or namespace. It reserves uses in the limit's grain, in blocks that last a small part
/// of the window at the current rate. A use within the block costs no call, and the next block is fetched before the current one runs out.
/// While the grain does not answer, or refuses because it is overloaded, only the rest of the block is spent. While no silo can be reached at
/// all, this gateway enforces the limit by itself, and reports what it granted once one can.
/// </summary>
/// <param name="subject">The limit's owner.</param>
/// <param name="rule">The limit.</param>
/// <param name="reserve">Asks the grain; null if no silo can be reached.</param>
/// <param name="time">The clock.</param>
internal sealed class SharedLimit(string subject, LimitRule rule, Func<ReserveUses, Task<ReservedUses?>> reserve, TimeProvider time)
{
    // Smaller blocks are not prefetched: uses of a small limit must not be left unused.
    private const long MinAhead = 8;
    private const int Parts = 60;

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _pauseAfterFailure = TimeSpan.FromMilliseconds(200);
    private static readonly string _gateway = Guid.NewGuid().ToString("N");
    private static readonly Caller _caller = new("gateway", "gateway", "limits");

    private readonly Lock _lock = new();
    private long _left;
    private long _held;
    private long _alone;
    private long _window;
    private long _endsAt;
    private long _block = 1;
    private long _taken;
    private long _countedSince = time.GetTimestamp();
    private long _fullUntil;
    private long _fullFor;
    private long _pausedUntil;
    private long _fetchingSince;
    private Task? _fetching;

    /// <summary>The limit.</summary>
    public LimitRule Rule => rule;

    /// <summary>Ends with the fetch of a block that is on its way, if one is.</summary>
    internal Task Fetching
    {
        get
        {
            lock (_lock) return _fetching ?? Task.CompletedTask;
        }
    }

    /// <summary>Takes uses from the block, if it has enough.</summary>
    public bool TryTake(long uses)
    {
        lock (_lock)
        {
            var now = time.GetTimestamp();
            if (_left < uses || now >= _endsAt) return false;
            _left -= uses;
            _taken += uses;
            if (_block >= MinAhead && _left < _block / 2 && now >= _fullUntil && now >= _pausedUntil) Begin(1, now);
            return true;
        }
    }

    /// <summary>Takes uses, fetching a block if necessary.</summary>
    /// <exception cref="KmsException">rate_limited; overloaded: the grain does not say in time whether there are any left.</exception>
    public async Task Take(long uses)
    {
        while (!TryTake(uses))
        {
            Task fetching;
            TimeSpan patience;
            lock (_lock)
            {
                var now = time.GetTimestamp();
                if (uses > rule.Count || (now < _fullUntil && uses >= _fullFor)) throw LimitRules.Refusal(subject, rule, time.GetElapsedTime(now, Math.Max(now, _fullUntil)));
                if (_fetching is null && now < _pausedUntil) throw KmsError.Overloaded.Exception();
                fetching = Begin(uses, now);
                patience = _patience - time.GetElapsedTime(_fetchingSince, now);
            }

            // The answer may still come, and the block is then there for others.
            if (patience <= TimeSpan.Zero || !await Ends(fetching, patience)) throw KmsError.Overloaded.Exception();
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

    private async Task<bool> Ends(Task fetching, TimeSpan patience)
    {
        try
        {
            await fetching.WaitAsync(patience, time);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    /// <summary>Fetches a block, unless one is on its way. Within the lock.</summary>
    private Task Begin(long needed, long now)
    {
        if (_fetching is { } fetching) return fetching;
        _fetchingSince = now;
        return _fetching = Fetch(needed);
    }

    private async Task Fetch(long needed)
    {
        // Never within the caller's lock.
        await Task.Yield();
        var asked = time.GetTimestamp();
        try
        {
            var request = Request(needed, asked);
            var answer = await reserve(request);
            lock (_lock)
            {
                // What was reported counts there from now on.
                if (answer is not null) _alone -= request.Alone;
                Note(answer ?? OnOwn(needed, asked), needed, asked, isAlone: answer is null);
            }
        }
        catch (Exception)
        {
            // Overloaded, or too late: to grant anything now would be to lift the limit when it matters most.
            lock (_lock) _pausedUntil = time.GetTimestamp() + (long)(_pauseAfterFailure.TotalSeconds * time.TimestampFrequency);
        }
        finally
        {
            lock (_lock) _fetching = null;
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
                Alone = isOpen ? _alone : 0,
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

    private void Note(ReservedUses answer, long needed, long asked, bool isAlone)
    {
        var endsAt = asked + (long)(answer.EndsIn.TotalSeconds * time.TimestampFrequency);
        if (answer.Window != _window || asked >= _endsAt)
        {
            (_window, _left, _held, _alone) = (answer.Window, 0, 0, 0);
        }

        if (isAlone) _alone += answer.Granted;

        // Measured from before the call, so that the window never ends later here than in the grain.
        (_endsAt, _left, _held) = (endsAt, _left + answer.Granted, _held + answer.Granted);
        (_fullUntil, _fullFor) = answer.Granted == 0 ? (endsAt, needed) : (0, 0);
    }
}

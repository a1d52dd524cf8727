using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys.Usage;

/// <summary>One limit of a key, over a sliding window: no interval as long as the window contains more uses than the limit.</summary>
/// <remarks>
/// Uses are reserved in the row <c>key.usage</c> before they are made, a few at a time, and each reservation expires soon; unused ones
/// lapse. So for each number of uses the row has a time after which none of them is made, whichever activation reserved them and even if it
/// crashed; they count until the window has passed since that time. The activation that makes them knows the exact times, and writes these
/// with its next reservation. Times are Unix milliseconds of the silo's clock, rounded up.
/// </remarks>
internal sealed class LimitWindow(string of, TimeSpan per)
{
    // Uses closer together than this fraction of the window are stored as one entry, and count until the last of them has left the window.
    private const int Parts = 32;
    private const int Shares = 16;
    private const long MinHold = 250;
    private const long MaxHold = 10_000;

    private readonly long _per = (long)per.TotalMilliseconds;
    private readonly List<(long Until, long Count)> _spent = [];
    private long _hold = Math.Clamp((long)per.TotalMilliseconds / Parts, MinHold, MaxHold);
    private long _block;

    // The open reservation: its start and end, its size, how many of its uses were made, and when the last one was.
    private long _from;
    private long _until;
    private long _reserved;
    private long _used;
    private long _last;

    // The values being written.
    private (long Used, long Last, long More, long From, long Until) _written;

    /// <summary>What the limit counts.</summary>
    public string Of { get; } = of;

    /// <summary>The window.</summary>
    public TimeSpan Per { get; } = per;

    /// <summary>The maximum number of uses in it; 0 for a removed limit.</summary>
    public long Count { get; set; }

    /// <summary>Whether there are reserved uses for which the row is not yet exact.</summary>
    public bool HasReserved => _reserved > 0;

    /// <summary>Whether a use is reserved. Setting the clock back ends the reservation.</summary>
    public bool CanSpend(long now) => _used < _reserved && now < _until && now >= _from;

    /// <summary>Spends a use; <see cref="CanSpend"/> must be true.</summary>
    public void Spend(long now)
    {
        _used++;
        _last = now + 1;
    }

    /// <summary>How many more uses can be reserved; less than one if none.</summary>
    public long Room(long now)
    {
        var room = Count;
        foreach (var (until, count) in _spent)
        {
            room -= until + _per > now ? count : 0;
        }

        return room - (now < _until ? _reserved : _last + _per > now ? _used : 0);
    }

    /// <summary>How long until a use can be reserved, if none can now.</summary>
    public TimeSpan Wait(long now)
    {
        var room = Room(now);
        var last = now;
        foreach (var (until, count) in _spent)
        {
            if (until + _per > now && room < 1)
            {
                (room, last) = (room + count, until + _per);
            }
        }

        return TimeSpan.FromMilliseconds((room < 1 ? Math.Max(last, _last + _per) : last) - now);
    }

    /// <summary>Resumes a stored row. Reserved uses count as made, as late as they may have been.</summary>
    public void Resume(IReadOnlyList<long> stored, long now)
    {
        GiveUp();
        _spent.Clear();
        for (var i = 0; i + 1 < stored.Count; i += 2)
        {
            // A writer whose clock is ahead makes none of them later than a reservation lasts.
            Add(Math.Min(stored[i], now + MaxHold), stored[i + 1]);
        }
    }

    /// <summary>Gives up the reservation; the row still has it.</summary>
    public void GiveUp() => (_reserved, _used, _until, _written) = (0, 0, 0, default);

    /// <summary>The values for the next row.</summary>
    /// <param name="now">The current time.</param>
    /// <param name="wanted">How many uses are about to be made; 0 to reserve none.</param>
    /// <param name="isLast">Whether no more uses will be made.</param>
    public WindowUsage ToStored(long now, long wanted, bool isLast)
    {
        Settle(now, isLast);
        var more = wanted > 0 ? Math.Min(Room(now), Math.Max(wanted, NextBlock())) : 0;
        more = Math.Max(0, more);
        _written = (_used, _last, more, now, more > 0 ? now + _hold : _until);
        List<long> stored = [];
        foreach (var (until, count) in _spent)
        {
            stored.AddRange([until, count]);
        }

        if (_used > 0)
        {
            stored.AddRange([_last, _used]);
        }

        if (_reserved - _used + more > 0)
        {
            stored.AddRange([_written.Until, _reserved - _used + more]);
        }

        return new(Of, Per, stored);
    }

    /// <summary>Notes that the result of <see cref="ToStored"/> was written. Uses made meanwhile are part of the reservation.</summary>
    /// <param name="now">The current time.</param>
    public void Saved(long now)
    {
        Add(_written.Last, _written.Used);
        _reserved += _written.More - _written.Used;
        _used -= _written.Used;
        if (_written.More > 0)
        {
            (_from, _until) = (_written.From, _written.Until);

            // With a database slower than the reservation lasts, no use would ever be made.
            _hold = now >= _until ? Math.Min(_hold * 2, MaxHold) : _hold;
        }
    }

    private void Settle(long now, bool isLast)
    {
        if (now < _from)
        {
            // The clock was set back. All uses were made before now.
            for (var i = 0; i < _spent.Count; i++)
            {
                _spent[i] = (Math.Min(_spent[i].Until, now + 1), _spent[i].Count);
            }

            (_last, _until, _from) = (Math.Min(_last, now + 1), 0, now);
        }

        if (isLast || now >= _until)
        {
            Add(_last, _used);
            GiveUp();
        }

        _spent.RemoveAll(s => s.Until + _per <= now);
    }

    // A limit that is used up fast is reserved in larger blocks. No block is so large that a crash, after which it counts as used, costs
    // much of the limit.
    private long NextBlock()
    {
        var most = Math.Max(1, Count / Shares);
        _block = _reserved > 0 && _used == _reserved ? _block * 2 : _block / 2;
        return _block = Math.Clamp(_block, Math.Max(1, most / Shares), most);
    }

    private void Add(long until, long count)
    {
        if (count <= 0)
        {
            return;
        }

        var part = Math.Max(1, _per / Parts);
        if (_spent.Count > 0 && (_spent[^1].Until >= until || _spent[^1].Until / part == until / part))
        {
            _spent[^1] = (Math.Max(_spent[^1].Until, until), _spent[^1].Count + count);
        }
        else
        {
            _spent.Add((until, count));
        }
    }
}

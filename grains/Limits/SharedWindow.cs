namespace OrleansKms.Grains.Limits;

/// <summary>
/// The window of a limit that several gateways share; each reserves uses before it grants them. Reserved uses that are left when the window
/// ends are lost, so a block is only a small part of the limit. Times are Unix milliseconds.
/// </summary>
internal sealed class SharedWindow
{
    /// <summary>A block is at most one such part of the limit, unless a single request needs more.</summary>
    public const int Parts = 60;

    // Gateways whose reservations this activation knows or has taken over.
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);

    /// <summary>When the window began; also its number.</summary>
    public long Start { get; private set; }

    /// <summary>How many uses are reserved in it.</summary>
    public long Granted { get; private set; }

    /// <summary>Resumes a stored window.</summary>
    public void Resume(long start, long granted) => (Start, Granted) = (start, granted);

    /// <summary>Reserves uses.</summary>
    /// <param name="request">The gateway's request.</param>
    /// <param name="now">The current time.</param>
    /// <param name="wasStored">Whether the window includes everything reserved before this activation.</param>
    public ReservedUses Reserve(ReserveUses request, long now, bool wasStored)
    {
        var per = (long)request.Per.TotalMilliseconds;
        if (now >= Start + per || now < Start)
        {
            // A gateway's open window tells this activation of one it does not know; of one that is stored only if the gateway opened it alone.
            var left = wasStored && request.Alone == 0 ? 0 : Math.Min((long)request.HeldFor.TotalMilliseconds, per);
            (Start, Granted) = (left > 0 ? now + left - per : now, 0);
            _known.Clear();
        }

        var isUnknown = _known.Add(request.Gateway) && !wasStored;
        Granted += Math.Clamp(isUnknown ? request.Held : request.Alone, 0, request.Count);

        var room = request.Count - Granted;
        var block = Math.Max(request.Needed, Math.Min(request.Wanted, request.Count / Parts));
        var granted = request.Needed <= room ? Math.Min(block, room) : 0;
        Granted += granted;
        return new(granted, Start, TimeSpan.FromMilliseconds(Start + per - now));
    }
}

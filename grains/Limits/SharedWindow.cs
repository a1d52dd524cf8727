namespace OrleansKms.Grains.Limits;

/// <summary>
/// The window of a limit that several gateways share, by uses that each reserves before it has them. What one holds unused when the
/// window ends is lost, so that no block is more than a small part of the limit. Times are Unix milliseconds.
/// </summary>
internal sealed class SharedWindow
{
    /// <summary>No block is more than this part of the limit, unless one request needs more.</summary>
    public const int Parts = 60;

    // Gateways whose share this activation knows, or has taken over from them.
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);

    /// <summary>When the window began; also its number.</summary>
    public long Start { get; private set; }

    /// <summary>How many uses were reserved in it.</summary>
    public long Granted { get; private set; }

    /// <summary>Takes over what was stored.</summary>
    public void Resume(long start, long granted) => (Start, Granted) = (start, granted);

    /// <summary>Reserves uses.</summary>
    /// <param name="request">What a gateway asks for.</param>
    /// <param name="now">The time.</param>
    /// <param name="wasStored">Whether the window holds all that was reserved before this activation.</param>
    public ReservedUses Reserve(ReserveUses request, long now, bool wasStored)
    {
        var per = (long)request.Per.TotalMilliseconds;
        if (now >= Start + per || now < Start)
        {
            // A gateway that still has a window knows of one that this activation does not.
            var left = wasStored ? 0 : Math.Min((long)request.HeldFor.TotalMilliseconds, per);
            (Start, Granted) = (left > 0 ? now + left - per : now, 0);
            _known.Clear();
        }

        if (_known.Add(request.Gateway) && !wasStored)
        {
            Granted += Math.Clamp(request.Held, 0, request.Count);
        }

        var room = request.Count - Granted;
        var block = Math.Max(request.Needed, Math.Min(request.Wanted, request.Count / Parts));
        var granted = request.Needed <= room ? Math.Min(block, room) : 0;
        Granted += granted;
        return new(granted, Start, TimeSpan.FromMilliseconds(Start + per - now));
    }
}

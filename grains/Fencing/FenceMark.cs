namespace OrleansKms.Grains.Fencing;

/// <summary>
/// What the fence and one activation tell each other about the activation's row: which stored version the activation knows,
/// and which is the highest that a poll has seen. Where the second is higher, the activation is behind, and answers nothing
/// before it has read the row again.
/// </summary>
/// <remarks>
/// While the activation's own write is under way, a poll may see its result before the activation does. That also counts as
/// behind: whose write the poll saw is not known yet, so an operation that interleaves reads the row, and so finds either its
/// own or the other's change, and waits for no write. But the activation is not ended for it; when the write has come back, it
/// is clear whether it was its own.
///
/// Polls and the activation run on different threads. Fields are written under the lock; what decides about an answer reads them
/// without it, each by itself, after the deadline of the poll that wrote them.
/// </remarks>
internal sealed class FenceMark(Fence fence, IGrainContext activation)
{
    // No row has a version below 0, so whatever a poll has seen is newer.
    private const int Nothing = -1;

    private int _known;
    private int _seen;
    private int _calls;
    private volatile Phase _phase;

    /// <summary>Where the activation is in its life, as far as the fence is concerned.</summary>
    private enum Phase
    {
        /// <summary>It answers.</summary>
        Live,

        /// <summary>It was found behind and told to end; until it has, it answers from what it reads anew.</summary>
        Ended,

        /// <summary>Another activation has taken its place with the fence, so it hears of no change and answers nothing.</summary>
        Replaced,
    }

    /// <summary>The grain whose row it is about.</summary>
    public GrainId Grain => activation.GrainId;

    /// <summary>The first of the polls in one of which the row was last compared with what is stored; null before.</summary>
    public FencePosition? ComparedSince { get; set; }

    /// <summary>Whether the row must be read again before anything is answered from it.</summary>
    public bool IsBehind => Volatile.Read(ref _seen) > Volatile.Read(ref _known) || _phase == Phase.Replaced;

    /// <summary>
    /// Whether an answer may leave now. It is asked after the work is done. The deadline is looked at first: who sees a poll's
    /// deadline sees what that poll found, too.
    /// </summary>
    public bool MayAnswer => fence.IsFresh && !IsBehind;

    /// <summary>Waits for a poll where that is due.</summary>
    /// <returns>Whether what was known before is still true; if not, it must be read and answered again.</returns>
    /// <exception cref="KmsException">storage_unavailable: no poll finished in time, or none has succeeded for too long.</exception>
    public async ValueTask<bool> Settle()
    {
        if (!fence.IsFresh)
        {
            await fence.Settle();
        }

        return !IsBehind;
    }

    /// <summary>The activation is over.</summary>
    public void Remove() => fence.Remove(this);

    /// <summary>A read or write of the row begins.</summary>
    /// <returns>The version that a read which begins now finds at least.</returns>
    /// <exception cref="KmsException">unavailable: another activation has taken the place of this one, which is stuck.</exception>
    public int BeginCall()
    {
        lock (this)
        {
            if (_phase == Phase.Replaced)
            {
                throw KmsError.Unavailable.Exception();
            }

            _calls++;
            return _seen;
        }
    }

    /// <summary>A read of the row has come back.</summary>
    /// <param name="version">The version that was read; 0 when there is no row, null when it failed.</param>
    public void EndRead(int? version)
    {
        lock (this)
        {
            EndCall(version);
        }
    }

    /// <summary>A write of the row has come back.</summary>
    /// <param name="version">The version that it made; null when it failed.</param>
    public void EndWrite(int? version)
    {
        lock (this)
        {
            EndCall(version);
        }

        EndIfBehind();
    }

    /// <summary>A poll saw the row in this version.</summary>
    public void Saw(int version)
    {
        lock (this)
        {
            _seen = Math.Max(_seen, version);
        }

        EndIfBehind();
    }

    /// <summary>Makes the row be read again, unless a call is about to find out anyhow what is there.</summary>
    /// <param name="version">The version that is stored; 0 for no row.</param>
    public void Compare(int version)
    {
        Saw(version);
        lock (this)
        {
            if (version != _known && _calls == 0)
            {
                _known = Nothing;
            }
        }
    }

    /// <summary>
    /// Another activation of the same grain on this silo has taken the place of this one, which is no longer told of changes.
    /// </summary>
    public void Replaced()
    {
        lock (this)
        {
            _phase = Phase.Replaced;
        }
    }

    // An activation that knows nothing yet has nothing to forget, and while a call is under way it is not clear who wrote.
    private void EndIfBehind()
    {
        lock (this)
        {
            if (_phase != Phase.Live || _seen <= _known || _calls != 0 || _known <= 0)
            {
                return;
            }

            _phase = Phase.Ended;
        }

        fence.End(activation);
    }

    private void EndCall(int? version)
    {
        _calls--;
        _known = Math.Max(_known, version ?? Nothing);
    }
}

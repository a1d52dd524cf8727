namespace OrleansKms.Grains.Fencing;

/// <summary>
/// What the fence and one activation share about the activation's row: the stored version that the activation knows, and the
/// highest that a poll has seen. If the second is higher, the activation is behind, and answers nothing before it has read the
/// row again.
/// </summary>
/// <remarks>
/// While the activation's own write is in flight, a poll may see its result first. That also counts as behind, since it is not
/// known yet whose write the poll saw: an interleaved operation reads the row, finds either its own or the other's change, and
/// waits for no write. But the activation is not ended for it; once the write has returned, it is clear whether it was its own.
/// Polls and the activation run on different threads. Fields are written under the lock; those that decide about an answer are
/// read without it, one by one, after the deadline of the poll that wrote them.
/// </remarks>
internal sealed class FenceMark(Fence fence, IGrainContext activation)
{
    // No row has a version below 0, so anything that a poll has seen is newer.
    private const int Nothing = -1;

    private int _known;
    private int _seen;
    private int _calls;
    private volatile Phase _phase;

    /// <summary>Where the activation is in its life, from the fence's point of view.</summary>
    private enum Phase
    {
        /// <summary>It answers.</summary>
        Live,

        /// <summary>It was found behind and told to end; until it has, it answers from what it reads afresh.</summary>
        Ended,

        /// <summary>
        /// Another activation has taken its place with the fence, so it hears of no change and answers nothing.
        /// </summary>
        Replaced,
    }

    /// <summary>The grain that owns the row.</summary>
    public GrainId Grain => activation.GrainId;

    /// <summary>The first of the polls that last compared the row with what is stored; null before.</summary>
    public FencePosition? ComparedSince { get; set; }

    /// <summary>Whether the row must be read again before anything is answered from it.</summary>
    public bool IsBehind => Volatile.Read(ref _seen) > Volatile.Read(ref _known) || _phase == Phase.Replaced;

    /// <summary>
    /// Whether an answer may leave now; asked after the work is done. Reads the deadline first: whoever sees a poll's deadline
    /// also sees what that poll found.
    /// </summary>
    public bool MayAnswer => fence.IsFresh && !IsBehind;

    /// <summary>Waits for a poll where one is due.</summary>
    /// <returns>Whether what was known before still holds; if not, it must be read and answered again.</returns>
    /// <exception cref="KmsException">storage_unavailable: no poll finished in time, or none has succeeded for too long.</exception>
    public async ValueTask<bool> Settle()
    {
        if (!fence.IsFresh)
        {
            await fence.Settle();
        }

        return !IsBehind;
    }

    /// <summary>Removes the mark: the activation has ended.</summary>
    public void Remove() => fence.Remove(this);

    /// <summary>A read or write of the row begins.</summary>
    /// <returns>The lowest version that a read started now can find.</returns>
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

    /// <summary>A read of the row has returned.</summary>
    /// <param name="version">The version that was read; 0 when there is no row, null when the read failed.</param>
    public void EndRead(int? version)
    {
        lock (this)
        {
            EndCall(version);
        }
    }

    /// <summary>A write of the row has returned.</summary>
    /// <param name="version">The version that it made; null when the write failed.</param>
    public void EndWrite(int? version)
    {
        lock (this)
        {
            EndCall(version);
        }

        EndIfBehind();
    }

    /// <summary>A poll saw this version of the row.</summary>
    public void Saw(int version)
    {
        lock (this)
        {
            _seen = Math.Max(_seen, version);
        }

        EndIfBehind();
    }

    /// <summary>Marks the row to be read again, unless a call in flight is about to find out what is stored.</summary>
    /// <param name="version">The stored version; 0 for no row.</param>
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
    /// Another activation of the same grain on this silo has taken over; this one is no longer told of changes.
    /// </summary>
    public void Replaced()
    {
        lock (this)
        {
            _phase = Phase.Replaced;
        }
    }

    // An activation that knows nothing yet has nothing to forget, and while a call is in flight it is unclear who wrote.
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

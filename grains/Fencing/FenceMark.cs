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
/// </remarks>
internal sealed class FenceMark(Fence fence, IGrainContext activation)
{
    private volatile bool _isBehind;
    private bool _isReplaced;
    private bool _isEnded;
    private int _known;
    private int _seen;
    private int _calls;

    /// <summary>The grain whose row it is about.</summary>
    public GrainId Grain => activation.GrainId;

    /// <summary>The first of the polls in one of which the row was last compared with what is stored; null before.</summary>
    public FencePosition? ComparedSince { get; set; }

    /// <summary>Whether the row must be read again before anything is answered from it.</summary>
    public bool IsBehind => _isBehind;

    /// <summary>
    /// Whether an answer may leave now. It is asked after the work is done. The deadline is looked at first: who sees a poll's
    /// deadline sees what that poll found, too.
    /// </summary>
    public bool MayAnswer => fence.IsFresh && !_isBehind;

    /// <summary>Waits for a poll where that is due.</summary>
    /// <returns>Whether what was known before is still true; if not, it must be read and answered again.</returns>
    /// <exception cref="KmsException">storage_unavailable: no poll finished in time, or none has succeeded for too long.</exception>
    public async ValueTask<bool> Settle()
    {
        if (!fence.IsFresh)
        {
            await fence.Settle();
        }

        return !_isBehind;
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
            if (_isReplaced)
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
            _calls--;
            Know(version);
        }
    }

    /// <summary>A write of the row has come back.</summary>
    /// <param name="version">The version that it made; null when it failed.</param>
    public void EndWrite(int? version)
    {
        lock (this)
        {
            _calls--;
            Know(version);
        }

        EndIfBehind();
    }

    /// <summary>A poll saw the row in this version.</summary>
    public void Saw(int version)
    {
        lock (this)
        {
            _seen = Math.Max(_seen, version);
            _isBehind |= _seen > _known;
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
            _isBehind |= version != _known && _calls == 0;
        }
    }

    /// <summary>
    /// Another activation of the same grain on this silo has taken the place of this one, which is no longer told of changes.
    /// </summary>
    public void Replaced()
    {
        lock (this)
        {
            _isReplaced = true;
            _isBehind = true;
        }
    }

    // An activation that knows nothing yet has nothing to forget, and while a call is under way it is not clear who wrote.
    private void EndIfBehind()
    {
        lock (this)
        {
            if (_isEnded || _seen <= _known || _calls != 0 || _known == 0)
            {
                return;
            }

            _isEnded = true;
        }

        fence.End(activation);
    }

    private void Know(int? version)
    {
        if (version is not null)
        {
            _known = Math.Max(_known, version.Value);
            _isBehind = _isReplaced || _seen > _known;
        }
    }
}

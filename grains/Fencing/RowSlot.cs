using System.Globalization;
using Orleans.Storage;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Fencing;

/// <summary>How far the slot's copy of its row can be trusted.</summary>
internal enum RowState
{
    /// <summary>Nothing was read or written yet. It must be read.</summary>
    Unread,

    /// <summary>It holds what the last read or write found.</summary>
    Known,

    /// <summary>
    /// The outcome of the last write is unknown, but the next row permits whatever this one does, so the copy is still used; a
    /// change must read first.
    /// </summary>
    InDoubt,

    /// <summary>A race was lost, the outcome of a write is unknown, or the slot was invalidated. It must be read.</summary>
    Invalid,
}

/// <summary>One row of one grain: this activation's copy of it, the ETag, and how far the copy can be trusted.</summary>
/// <typeparam name="T">The row's content.</typeparam>
/// <param name="storage">The sealed storage.</param>
/// <param name="grain">The grain that owns the row.</param>
/// <param name="name">The row's name.</param>
/// <param name="mark">The fence's mark for the row; null where there is no fence, and for rows that it does not watch.</param>
internal sealed class RowSlot<T>(IGrainStorage storage, GrainId grain, string name, FenceMark? mark = null)
    where T : Row
{
    private int _setbacks;
    private string? _etag;
    private string? _lastReadETag;
    private long _highestRevision;

    /// <summary>The row, or null when there is none or it was never read.</summary>
    public T? Row { get; private set; }

    /// <summary>How far <see cref="Row"/> can be trusted, as far as this activation itself knows.</summary>
    public RowState State { get; private set; }

    /// <summary>
    /// Whether the row must be read before it is used: because of its state, or because the fence saw a newer one.
    /// </summary>
    public bool NeedsRead => State is RowState.Unread or RowState.Invalid || mark is { IsBehind: true };

    /// <summary>
    /// Whether no write was acknowledged since one had an unknown outcome. A read may return that write's row, which a standby
    /// that has not confirmed it may still lose; so a read does not end this.
    /// </summary>
    public bool IsUnconfirmed { get; private set; }

    /// <summary>The revision that the next write gives the row.</summary>
    public long NextRevision => _highestRevision + 1;

    /// <summary>The row's name.</summary>
    public string Name => name;

    /// <summary>How many writes were acknowledged.</summary>
    public int Writes { get; private set; }

    /// <summary>Marks the row to be read before it is used again.</summary>
    public void Invalidate()
    {
        State = RowState.Invalid;
        _setbacks++;
    }

    /// <summary>Reads the row.</summary>
    /// <exception cref="KmsException">key_corrupted: it does not open, or is older than one seen before.</exception>
    /// <exception cref="StorageFailedException">The database did not answer.</exception>
    public Task Read() => Read(state => storage.ReadStateAsync(name, grain, state));

    /// <summary>Reads the row together with another of the same grain.</summary>
    /// <param name="rows">The storage.</param>
    /// <param name="secondName">The name of the other.</param>
    /// <returns>The other, for <see cref="Took"/>; null if it does not open.</returns>
    /// <exception cref="KmsException">key_corrupted: the row does not open, or is older than one seen before.</exception>
    /// <exception cref="StorageFailedException">The database did not answer.</exception>
    public async Task<GrainState<TOther>?> ReadWith<TOther>(IPairedRows rows, string secondName)
        where TOther : Row
    {
        var second = new GrainState<TOther>();
        var isOpen = false;
        await Read(async state => isOpen = await rows.ReadBoth(grain, name, state, secondName, second));
        return isOpen ? second : null;
    }

    /// <summary>Takes the row as it was read together with another; not if anything else has happened to it meanwhile.</summary>
    /// <returns>Whether it was taken.</returns>
    public bool Took(GrainState<T> state)
    {
        if (State != RowState.Unread || _setbacks != 0) return false;
        Take(state.RecordExists ? state.State : null, state.ETag);
        _lastReadETag = state.ETag;
        State = RowState.Known;
        return true;
    }

    private async Task Read(Func<GrainState<T>, Task> read)
    {
        var state = new GrainState<T>();
        var (minRevision, setbacks) = (_highestRevision, _setbacks);
        var minVersion = mark?.BeginCall() ?? 0;
        int? version = null;
        try
        {
            await read(state);
            var row = state.RecordExists ? state.State : null;

            // A row that was seen does not vanish or get older by itself: someone put back an old copy.
            if ((row?.Revision ?? 0) < minRevision || Version(state.ETag) < minVersion)
            {
                throw KmsError.KeyCorrupted.Exception();
            }

            version = Version(state.ETag);
            Take(row, state.ETag);
            if (setbacks == _setbacks)
            {
                State = RowState.Known;
            }

            // Otherwise the row may have changed after this read saw it.
        }
        finally
        {
            _lastReadETag = state.ETag;
            mark?.EndRead(version);
        }
    }

    /// <summary>
    /// Writes the next content over the last known row; inserts where there was none. A read that interleaved after the content
    /// was prepared has changed the last known row, so a caller that awaits in between compares <see cref="Row"/> first.
    /// </summary>
    /// <param name="next">The next content.</param>
    /// <param name="permitsTheSame">
    /// Whether the next row permits everything that the known one does. Then an unknown outcome leaves the slot in doubt instead
    /// of invalid.
    /// </param>
    /// <exception cref="InconsistentStateException">Another activation wrote in between; the slot is invalid.</exception>
    /// <exception cref="StorageFailedException">
    /// The write failed; the slot is invalid or, when the outcome is unknown, may be in doubt.
    /// </exception>
    public async Task Write(T next, bool permitsTheSame = false)
    {
        var row = next with { Revision = NextRevision };
        var state = new GrainState<T>(row, _etag) { RecordExists = _etag is not null };
        int? version = null;
        if (mark is not null)
        {
            // A request that lay in the buffers of a frozen silo must not be carried out: a recent poll tells whether the silo
            // was declared dead meanwhile.
            await mark.Settle();
        }

        mark?.BeginCall();
        try
        {
            await storage.WriteStateAsync(name, grain, state);
            version = Version(state.ETag);
            Acknowledged(row, state.ETag);
        }
        catch (StorageFailedException failure) when (!failure.OutcomeUnknown)
        {
            throw;
        }
        catch (Exception e)
        {
            IsUnconfirmed |= e is not InconsistentStateException;
            if (permitsTheSame && e is StorageFailedException && State != RowState.Invalid)
            {
                State = RowState.InDoubt;
                _setbacks++;
            }
            else
            {
                Invalidate();
            }

            throw;
        }
        finally
        {
            mark?.EndWrite(version);
        }
    }

    /// <summary>
    /// Inserts the row together with another of the same grain, both or neither, without having read either. Afterwards both are known; a
    /// race that is lost, or an unknown outcome, leaves both invalid.
    /// </summary>
    /// <param name="rows">The storage.</param>
    /// <param name="row">The content.</param>
    /// <param name="second">The slot of the other row, which no mark watches.</param>
    /// <param name="other">Its content.</param>
    /// <exception cref="InconsistentStateException">One of them exists.</exception>
    /// <exception cref="StorageFailedException">Neither was written, or nobody knows.</exception>
    public async Task InsertWith<TOther>(IPairedRows rows, T row, RowSlot<TOther> second, TOther other)
        where TOther : Row
    {
        row = row with { Revision = NextRevision };
        other = other with { Revision = second.NextRevision };
        var (state, otherState) = (new GrainState<T>(row), new GrainState<TOther>(other));
        int? version = null;
        if (mark is not null)
        {
            await mark.Settle();
        }

        mark?.BeginCall();
        try
        {
            await rows.InsertBoth(grain, name, state, second.Name, otherState);
            version = Version(state.ETag);
            Acknowledged(row, state.ETag);
            second.Acknowledged(other, otherState.ETag);
        }
        catch (StorageFailedException failure) when (!failure.OutcomeUnknown)
        {
            throw;
        }
        catch (Exception e)
        {
            IsUnconfirmed |= e is not InconsistentStateException;
            second.IsUnconfirmed |= e is not InconsistentStateException;
            Invalidate();
            second.Invalidate();
            throw;
        }
        finally
        {
            mark?.EndWrite(version);
        }
    }

    /// <summary>Deletes the row as last seen.</summary>
    /// <exception cref="InconsistentStateException">Another activation wrote in between; the slot is invalid.</exception>
    /// <exception cref="StorageFailedException">It failed; the slot is invalid.</exception>
    public async Task Clear()
    {
        Invalidate();
        await storage.ClearStateAsync(name, grain, new GrainState<T>(Row!, _etag) { RecordExists = true });
    }

    /// <summary>
    /// After a read that found a row which does not open: the next write replaces that row, and loses the race if anyone writes it before.
    /// </summary>
    public void ReplaceUnopened()
    {
        (Row, _etag) = (null, _lastReadETag);
        State = State == RowState.Invalid ? RowState.Invalid : RowState.Known;
    }

    /// <summary>Deletes whatever is stored, even a row that does not open; the next write inserts.</summary>
    /// <exception cref="StorageFailedException">It failed.</exception>
    public async Task ClearUnread()
    {
        Invalidate();
        await storage.ClearStateAsync(name, grain, new GrainState<T>());
        (Row, _etag, State) = (null, null, RowState.Unread);
    }

    private void Acknowledged(T row, string? etag)
    {
        Take(row, etag);
        Writes++;
        IsUnconfirmed = false;
        State = State == RowState.Invalid ? RowState.Invalid : RowState.Known;
    }

    // A read may interleave with a write, and the one that returns last may carry the older state. A read that finds what is
    // already known leaves the copy alone, since a change may have been prepared from it; unless the row had to be read again for
    // its content, which can be resealed without a new version.
    private void Take(T? row, string? etag)
    {
        var revision = row?.Revision ?? 0;
        if (revision > _highestRevision || (revision == _highestRevision && (State is RowState.Unread or RowState.Invalid || etag != _etag)))
        {
            Row = row;
            _etag = etag;
            _highestRevision = revision;
        }
    }

    private static int Version(string? etag) => etag is null ? 0 : int.Parse(etag, CultureInfo.InvariantCulture);
}

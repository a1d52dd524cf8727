using System.Globalization;
using Orleans.Storage;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Fencing;

/// <summary>How far what a slot holds of its row can be relied on.</summary>
internal enum RowState
{
    /// <summary>Nothing was read or written yet. It must be read.</summary>
    Unread,

    /// <summary>It holds what the last read or write found.</summary>
    Known,

    /// <summary>
    /// The last write has an unknown outcome, and whatever the row held here permits, the one that may be stored permits, too. So it
    /// is still used by; a change must read first.
    /// </summary>
    InDoubt,

    /// <summary>A race was lost, the outcome of a write is unknown, or whoever holds the slot said so. It must be read.</summary>
    Invalid,
}

/// <summary>
/// One row of one grain: what this activation last saw of it, its ETag, and how far that can be relied on.
/// </summary>
/// <typeparam name="T">The row's content.</typeparam>
/// <param name="storage">The sealed storage.</param>
/// <param name="grain">Whose row it is.</param>
/// <param name="name">The row's name.</param>
/// <param name="mark">What the fence knows of the row; null where there is no fence, and for rows that it does not watch.</param>
internal sealed class RowSlot<T>(IGrainStorage storage, GrainId grain, string name, FenceMark? mark = null)
    where T : Row
{
    private int _setbacks;
    private string? _etag;
    private long _highestRevision;

    /// <summary>The row, or null when there is none or it was never read.</summary>
    public T? Row { get; private set; }

    /// <summary>How far <see cref="Row"/> can be relied on, as far as this activation knows by itself.</summary>
    public RowState State { get; private set; }

    /// <summary>Whether the row must be read before it is relied on: by its state, or because the fence saw a newer one.</summary>
    public bool NeedsRead => State is RowState.Unread or RowState.Invalid || mark is { IsBehind: true };

    /// <summary>
    /// Whether no write was acknowledged since one had an unknown outcome. What is read may be that one's, and a standby that has
    /// not confirmed it may lose it again; so a read does not end this.
    /// </summary>
    public bool IsUnconfirmed { get; private set; }

    /// <summary>How many writes were acknowledged.</summary>
    public int Writes { get; private set; }

    /// <summary>Makes the row be read before it is relied on again.</summary>
    public void Invalidate()
    {
        State = RowState.Invalid;
        _setbacks++;
    }

    /// <summary>Reads the row.</summary>
    /// <exception cref="KmsException">key_corrupted: it does not open, or is older than what was seen before.</exception>
    /// <exception cref="StorageFailedException">The database did not answer.</exception>
    public async Task Read()
    {
        var state = new GrainState<T>();
        var (minRevision, setbacks) = (_highestRevision, _setbacks);
        var minVersion = mark?.BeginCall() ?? 0;
        int? version = null;
        try
        {
            await storage.ReadStateAsync(name, grain, state);
            var row = state.RecordExists ? state.State : null;

            // A row that was seen does not vanish and does not get older: someone put back an old copy.
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
            mark?.EndRead(version);
        }
    }

    /// <summary>
    /// Writes the next content over what was last seen; inserts where nothing was. A read that interleaved since the content
    /// was made has changed what was last seen, so who awaits in between compares <see cref="Row"/> first.
    /// </summary>
    /// <param name="next">The next content.</param>
    /// <param name="permitsTheSame">
    /// Whether whatever may be done by the row that is known may be done by the next one, too. Then an unknown outcome leaves the
    /// slot in doubt, and not invalid.
    /// </param>
    /// <exception cref="InconsistentStateException">Another activation wrote in between; the slot is invalid.</exception>
    /// <exception cref="StorageFailedException">The write failed; the slot is invalid, or in doubt, when its outcome is unknown.</exception>
    public async Task Write(T next, bool permitsTheSame = false)
    {
        var row = next with { Revision = _highestRevision + 1 };
        var state = new GrainState<T>(row, _etag) { RecordExists = _etag is not null };
        int? version = null;
        if (mark is not null)
        {
            // A request that lay in the buffers of a silo that was frozen must not be carried out after all: a recent poll says
            // whether the silo was given up meanwhile.
            await mark.Settle();
        }

        mark?.BeginCall();
        try
        {
            await storage.WriteStateAsync(name, grain, state);
            version = Version(state.ETag);
            Take(row, state.ETag);
            Writes++;
            IsUnconfirmed = false;
            State = State == RowState.Invalid ? RowState.Invalid : RowState.Known;
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

    /// <summary>Removes whatever is there, also a row that does not open; the next write inserts.</summary>
    /// <exception cref="StorageFailedException">It failed.</exception>
    public async Task ClearUnread()
    {
        Invalidate();
        await storage.ClearStateAsync(name, grain, new GrainState<T>());
        (Row, _etag, State) = (null, null, RowState.Unread);
    }

    // A read may interleave with a write, and whichever comes back last may have the older state. One that finds what is known
    // already leaves it, since a change may have been prepared from it; unless the row had to be read again because of what it
    // holds, which can be sealed anew without a new version.
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

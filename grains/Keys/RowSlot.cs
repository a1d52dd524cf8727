using Orleans.Storage;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Keys;

/// <summary>
/// One row of one grain: what this activation last saw of it, and its ETag. After a write whose outcome is not known, and
/// after a lost race, it is stale and must be read again before anything relies on it.
/// </summary>
/// <typeparam name="T">The row's content.</typeparam>
internal sealed class RowSlot<T>(IGrainStorage storage, GrainId grain, string name)
    where T : Row
{
    private string? _etag;
    private long _highestRevision;

    /// <summary>The row, or null when there is none or it was never read.</summary>
    public T? Row { get; private set; }

    /// <summary>Whether the row must be read before it is relied on. True at first.</summary>
    public bool IsStale { get; private set; } = true;

    /// <summary>Makes the row be read before it is relied on again.</summary>
    public void Invalidate() => IsStale = true;

    /// <summary>Reads the row.</summary>
    /// <exception cref="KmsException">key_corrupted: it does not open, or is older than what was seen before.</exception>
    /// <exception cref="StorageFailedException">The database did not answer.</exception>
    public async Task Read()
    {
        var state = new GrainState<T>();
        await storage.ReadStateAsync(name, grain, state);
        var row = state.RecordExists ? state.State : null;

        // A row that this activation saw does not vanish and does not get older: someone put back an old copy.
        if ((row?.Revision ?? 0) < _highestRevision)
        {
            throw KmsError.KeyCorrupted.Exception();
        }

        Row = row;
        _etag = state.ETag;
        _highestRevision = row?.Revision ?? 0;
        IsStale = false;
    }

    /// <summary>Writes the next content over what was last seen; inserts where nothing was.</summary>
    /// <exception cref="InconsistentStateException">Another activation wrote in between; the slot is stale.</exception>
    /// <exception cref="StorageFailedException">The write failed; the slot is stale when its outcome is unknown.</exception>
    public async Task Write(T next)
    {
        var row = next with { Revision = _highestRevision + 1 };
        var state = new GrainState<T>(row, _etag) { RecordExists = _etag is not null };
        try
        {
            await storage.WriteStateAsync(name, grain, state);
        }
        catch (StorageFailedException failure) when (!failure.OutcomeUnknown)
        {
            throw;
        }
        catch
        {
            IsStale = true;
            throw;
        }

        Row = row;
        _etag = state.ETag;
        _highestRevision = row.Revision;
    }

    /// <summary>Removes the row that was last seen.</summary>
    /// <exception cref="InconsistentStateException">Another activation wrote in between; the slot is stale.</exception>
    /// <exception cref="StorageFailedException">It failed; the slot is stale.</exception>
    public async Task Clear()
    {
        IsStale = true;
        await storage.ClearStateAsync(name, grain, new GrainState<T>(Row!, _etag) { RecordExists = true });
    }
}

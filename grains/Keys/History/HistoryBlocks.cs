using Orleans.Storage;
using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Keys.History;

/// <summary>
/// The rows <c>key.h{n}</c> of a key. A block holds only events that were committed before it is written. So a block that the row
/// <c>key</c> does not name yet is harmless, and is written again unchanged. A block with other events belongs to an abandoned chain, left
/// behind when an older row <c>key</c> was restored; it stays, and the chain continues above it.
/// </summary>
internal sealed class HistoryBlocks(IGrainStorage storage, GrainId grain)
{
    private KeyHistory? _kept;
    private int _keptIn;

    /// <summary>Moves the newest events of a history to a block, before the row <c>key</c> drops them.</summary>
    /// <param name="history">The history as committed.</param>
    /// <param name="incarnation">The key's incarnation.</param>
    /// <returns>The block's number.</returns>
    /// <exception cref="InconsistentStateException">Another activation wrote it at the same time.</exception>
    public async Task<int> Keep(KeyHistory history, Incarnation incarnation)
    {
        if (!ReferenceEquals(history, _kept))
        {
            var number = history.Block + 1;
            if (!await TryKeep(number, history, incarnation))
            {
                number = await Top(number);
                while (!await TryKeep(number, history, incarnation))
                {
                    number++;
                }
            }

            (_kept, _keptIn) = (history, number);
        }

        return _keptIn;
    }

    /// <summary>Reads a block.</summary>
    /// <returns>Null if it is missing, does not open, or belongs to another incarnation of the id.</returns>
    /// <exception cref="StorageFailedException">The database did not answer.</exception>
    public async Task<KeyHistoryRow?> Read(int number, Incarnation incarnation)
    {
        try
        {
            var slot = Slot(number);
            await slot.Read();
            return slot.Row is { } row && row.Incarnation == incarnation ? row : null;
        }
        catch (KmsException e) when (e.Error == KmsError.KeyCorrupted)
        {
            return null;
        }
    }

    /// <summary>Reads the row <c>key</c> from storage.</summary>
    /// <returns>Null if there is none.</returns>
    /// <exception cref="KmsException">key_corrupted: it does not open.</exception>
    public async Task<KeyRow?> ReadKey()
    {
        var slot = new RowSlot<KeyRow>(storage, grain, RowNames.Key);
        await slot.Read();
        return slot.Row;
    }

    /// <summary>Finds the highest block, starting from a given one. Blocks have no gaps.</summary>
    /// <param name="number">An existing block, or the number the first one would have.</param>
    public async Task<int> Top(int number)
    {
        var (top, step) = (number, 1);
        while (await Exists(top + step))
        {
            top += step;
            step *= 2;
        }

        while (step > 1)
        {
            step /= 2;
            top += await Exists(top + step) ? step : 0;
        }

        return top;
    }

    /// <summary>Whether a block holds the events that a history still has in the row <c>key</c>, or the first of them.</summary>
    public static bool IsOf(KeyHistoryRow block, KeyHistory history) =>
        block.Before == history.Block && block.Events.Count <= history.Newest.Count && Shared(block.Events, history.Newest) == block.Events.Count;

    /// <summary>The number of events with which both lists begin.</summary>
    public static int Shared(IReadOnlyList<byte[]> one, IReadOnlyList<byte[]> other)
    {
        var count = 0;
        while (count < one.Count && count < other.Count && one[count].AsSpan().SequenceEqual(other[count]))
        {
            count++;
        }

        return count;
    }

    private async Task<bool> TryKeep(int number, KeyHistory history, Incarnation incarnation)
    {
        var slot = Slot(number);
        var block = new KeyHistoryRow { Before = history.Block, Events = history.Newest, Incarnation = incarnation };
        try
        {
            await slot.Write(block);
            return true;
        }
        catch (InconsistentStateException)
        {
            // It exists already.
        }

        try
        {
            await slot.Read();
        }
        catch (KmsException e) when (e.Error == KmsError.KeyCorrupted)
        {
            return false;
        }

        if (slot.Row is not { } there || there.Incarnation != incarnation || !IsOf(there, history))
        {
            return false;
        }

        if (there.Events.Count < block.Events.Count)
        {
            await slot.Write(block);
        }

        return true;
    }

    private async Task<bool> Exists(int number)
    {
        try
        {
            var slot = Slot(number);
            await slot.Read();
            return slot.Row is not null;
        }
        catch (KmsException e) when (e.Error == KmsError.KeyCorrupted)
        {
            return true;
        }
    }

    private RowSlot<KeyHistoryRow> Slot(int number) => new(storage, grain, RowNames.KeyHistory(number));
}

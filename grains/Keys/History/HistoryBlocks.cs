using Orleans.Storage;
using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Keys.History;

/// <summary>
/// The rows <c>key.h{n}</c> of a key. A block holds only events that were committed before it is written, so one that the row <c>key</c>
/// does not name yet does no harm, and is written again as it is. One that holds anything else is of a chain that was left: an older row
/// <c>key</c> was put back. It stays, and the chain goes on above it.
/// </summary>
internal sealed class HistoryBlocks(IGrainStorage storage, GrainId grain)
{
    private KeyHistory? _kept;
    private int _keptIn;

    /// <summary>Keeps the newest events of a history in a block of their own, before the row <c>key</c> lets go of them.</summary>
    /// <param name="history">The history, as it is committed.</param>
    /// <param name="incarnation">The key's life.</param>
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
    /// <returns>Null where it is missing, does not open, or is of another life of the id.</returns>
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

    /// <summary>Reads the row <c>key</c> as it is stored.</summary>
    /// <returns>Null where there is none.</returns>
    /// <exception cref="KmsException">key_corrupted: it does not open.</exception>
    public async Task<KeyRow?> ReadKey()
    {
        var slot = new RowSlot<KeyRow>(storage, grain, RowNames.Key);
        await slot.Read();
        return slot.Row;
    }

    /// <summary>The highest block that there is from one on. They have no gaps.</summary>
    /// <param name="number">A block that there is, or that would be the first.</param>
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

    /// <summary>Whether a block holds what a history still has in the row <c>key</c>, or the beginning of it.</summary>
    public static bool IsOf(KeyHistoryRow block, KeyHistory history) =>
        block.Before == history.Block && block.Events.Count <= history.Newest.Count && Shared(block.Events, history.Newest) == block.Events.Count;

    /// <summary>How many events two lists have in common at their beginning.</summary>
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
            // There is one already.
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

using System.Globalization;
using Orleans.Storage;

namespace OrleansKms.Grains.Storage;

/// <summary>
/// Writes rows of keys, as many in a transaction as wait for one, so that they share a round trip and a flush of the log.
/// </summary>
/// <remarks>
/// Each row has its own outcome. Where a transaction certainly did nothing, its rows are written again in two, and so on down to the row that
/// was refused: it harms no other. Where nobody knows whether it was committed, that is the
/// outcome of each of its rows, and nothing is repeated: a repetition would find the own row and call it a lost race.
/// </remarks>
/// <param name="database">The database.</param>
/// <param name="serviceId">The service whose rows they are.</param>
/// <param name="mayWrite">Whether this silo may write at all, asked again at the last moment, since a row may have waited.</param>
/// <param name="time">The time.</param>
internal sealed class RowBatches(Database database, string serviceId, Func<bool> mayWrite, TimeProvider time)
    : RowQueue<RowWrite>(database.RowLanes, time)
{
    /// <summary>Writes a row.</summary>
    /// <returns>Its new version.</returns>
    /// <exception cref="InconsistentStateException">The stored row does not have the version that it must have.</exception>
    public async Task<int> Write(RowWrite write)
    {
        Send(write);
        return await write.Answer ?? throw new InconsistentStateException(
            $"The row {write.Name} was changed by another.", "another", write.Version?.ToString(CultureInfo.InvariantCulture) ?? "none");
    }

    /// <summary>A transaction has each row once. Of two writes of one row in two transactions, the row's version lets one through.</summary>
    protected override bool Fits(HashSet<(string Name, string Key)> rows, RowWrite call) =>
        rows.Add((call.Name, call.Key)) && (call.Second is not var (second, _) || rows.Add((second, call.Key)));

    /// <inheritdoc/>
    protected override async Task Run(List<RowWrite> batch)
    {
        if (!mayWrite())
        {
            Fail(batch, NotTried("This silo has written no heartbeat for too long."));
            return;
        }

        // Two transactions with the same rows take them in the same order, so that neither waits for the other in a circle.
        batch.Sort((a, b) => string.CompareOrdinal(a.Key, b.Key) is var order and not 0 ? order : string.CompareOrdinal(a.Name, b.Name));
        try
        {
            await Commit(batch);
        }
        catch (DatabaseUnreachableException e)
        {
            // It is the same for all that wait, and each of them would wait for another attempt; not for those that come once one has been told.
            FailWaiting(e);
            Fail(batch, e);
        }
        catch (Exception e) when (batch.Count == 1 || database.IsOutcomeUnknown(e))
        {
            Fail(batch, e);
        }
        catch (Exception)
        {
            // Whichever row it was: each half by itself, down to single rows.
            var half = batch.Count / 2;
            await Run(batch.GetRange(0, half));
            await Run(batch.GetRange(half, batch.Count - half));
        }
    }

    private async Task Commit(List<RowWrite> batch)
    {
        foreach (var write in batch) write.NewVersion = null;
        try
        {
            await database.WriteRow(async () =>
            {
                await database.WriteRows(serviceId, batch);
                return true;
            });
        }
        catch (Exception e) when (batch is [{ Second: not null }] && database.IsDuplicate(e))
        {
            // Of the two rows the second was there: a race that is lost, and neither is written.
            batch[0].NewVersion = null;
        }

        foreach (var write in batch) write.Committed();
    }
}

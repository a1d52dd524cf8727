using Orleans.Storage;

namespace OrleansKms.Grains.Storage;

/// <summary>
/// Writes rows of keys, as many in a transaction as wait for one, so that they share a round trip and a flush of the log. A row that
/// comes alone is written at once.
/// </summary>
/// <remarks>
/// Each row has its own outcome. Where a transaction certainly did nothing, its rows are written again one by one, and each gets what
/// becomes of it alone: a row that the database refuses harms no other. Where nobody knows whether it was committed, that is the
/// outcome of each of its rows, and nothing is repeated: a repetition would find the own row and call it a lost race.
/// </remarks>
/// <param name="database">The database.</param>
/// <param name="serviceId">The service whose rows they are.</param>
/// <param name="mayWrite">Whether this silo may write at all, asked again at the last moment, since a row may have waited.</param>
/// <param name="time">The time.</param>
internal sealed class RowBatches(Database database, string serviceId, Func<bool> mayWrite, TimeProvider time)
{
    /// <summary>The maximum number of writes in a transaction.</summary>
    public const int MaxWrites = 64;

    /// <summary>
    /// How long a row may wait for its transaction. Then whoever wanted it is about to be told that it failed, and the silo may have been
    /// frozen meanwhile.
    /// </summary>
    public static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private readonly Queue<RowWrite> _waiting = new();
    private int _lanes;

    /// <summary>How many rows wait for a transaction.</summary>
    public int Waiting
    {
        get
        {
            lock (_lock) return _waiting.Count;
        }
    }

    /// <summary>Writes a row.</summary>
    /// <returns>Its new version.</returns>
    /// <exception cref="InconsistentStateException">The stored row does not have the version that it must have.</exception>
    public async Task<int> Write(RowWrite write)
    {
        write.Since = time.GetTimestamp();
        lock (_lock)
        {
            _waiting.Enqueue(write);
            if (_lanes < database.RowLanes)
            {
                _lanes++;

                // Not on the grain's scheduler, on which the writes of others would wait for that grain, and not in its call's context.
                using (ExecutionContext.SuppressFlow()) _ = Task.Run(WriteUntilNoneWaits);
            }
        }

        return await write.Answer ?? throw new InconsistentStateException(
            $"The row {write.Name} was changed by another.", "another", write.Version?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "none");
    }

    private async Task WriteUntilNoneWaits()
    {
        while (Next() is { } batch)
        {
            try
            {
                await WriteAll(batch);
            }
            catch (Exception e)
            {
                // Whatever this is, nobody may wait for ever.
                Fail(batch, e);
            }
        }
    }

    private List<RowWrite>? Next()
    {
        lock (_lock)
        {
            if (_waiting.Count == 0)
            {
                _lanes--;
                return null;
            }

            var batch = new List<RowWrite>(Math.Min(_waiting.Count, MaxWrites));
            while (batch.Count < MaxWrites && _waiting.TryDequeue(out var write)) batch.Add(write);
            return batch;
        }
    }

    private async Task WriteAll(List<RowWrite> batch)
    {
        foreach (var late in batch.Where(IsLate).ToList())
        {
            batch.Remove(late);
            late.Failed(NotTried("The row waited for too long."));
        }

        if (batch.Count == 0) return;
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
            // It is the same for all that wait, and each of them would wait for another attempt.
            Fail(batch, e);
            FailWaiting(e);
        }
        catch (Exception e) when (batch.Count == 1 || database.IsOutcomeUnknown(e))
        {
            Fail(batch, e);
        }
        catch (Exception)
        {
            foreach (var write in batch) await WriteAlone(write);
        }
    }

    private async Task WriteAlone(RowWrite write)
    {
        try
        {
            await Commit([write]);
        }
        catch (Exception e)
        {
            write.Failed(e);
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
        }

        foreach (var write in batch) write.Committed();
    }

    private void FailWaiting(Exception failure)
    {
        List<RowWrite> waiting;
        lock (_lock)
        {
            waiting = [.. _waiting];
            _waiting.Clear();
        }

        Fail(waiting, failure);
    }

    private bool IsLate(RowWrite write) => time.GetElapsedTime(write.Since) > MaxWait;

    private static DatabaseUnreachableException NotTried(string why) => new(new TimeoutException(why));

    private static void Fail(List<RowWrite> writes, Exception failure)
    {
        foreach (var write in writes) write.Failed(failure);
    }
}

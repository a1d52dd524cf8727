namespace OrleansKms.Grains.Storage;

/// <summary>
/// Reads rows of keys, as many in a query as wait for one, so that they share a round trip, and so that keys which wake up together need
/// a connection or two.
/// </summary>
/// <param name="database">The database.</param>
/// <param name="serviceId">The service whose rows they are.</param>
/// <param name="time">The time.</param>
internal sealed class RowReads(Database database, string serviceId, TimeProvider time) : RowQueue<RowRead>(database.ReadLanes, time)
{
    /// <summary>Reads the rows.</summary>
    /// <param name="read">Which; afterwards it has them.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    public async Task<RowRead> Read(RowRead read, CancellationToken cancellationToken)
    {
        Send(read);
        await read.Answer.WaitAsync(cancellationToken);
        return read;
    }

    /// <inheritdoc/>
    protected override async Task Run(List<RowRead> batch)
    {
        try
        {
            await ReadAll(batch);
        }
        catch (DatabaseUnreachableException e)
        {
            // Not those that come once one of the batch has been told.
            FailWaiting(e);
            Fail(batch, e);
            return;
        }
        catch (Exception e) when (e is not TimeoutException and not { InnerException: TimeoutException })
        {
            // Whatever it is, such as a damaged page or a connection that had died: each half by itself, down to single rows.
            if (batch.Count == 1)
            {
                await ReadAll(batch);
            }
            else
            {
                await ReadHalf(batch.GetRange(0, batch.Count / 2));
                await ReadHalf(batch.GetRange(batch.Count / 2, batch.Count - batch.Count / 2));
                return;
            }
        }

        foreach (var read in batch) read.Done();
    }

    private async Task ReadHalf(List<RowRead> half)
    {
        try
        {
            await Run(half);
        }
        catch (Exception e)
        {
            Fail(half, e);
        }
    }

    private Task ReadAll(List<RowRead> batch)
    {
        foreach (var read in batch) Array.Clear(read.Found);
        return database.ReadRows(serviceId, batch);
    }
}

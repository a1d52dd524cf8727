namespace OrleansKms.Grains.Storage;

/// <summary>
/// Sends calls for rows to the database, as many at once as wait for it; one that comes alone is sent at once. None runs on the scheduler
/// of a grain.
/// </summary>
/// <typeparam name="T">The calls.</typeparam>
/// <param name="lanes">How many batches are on their way at most.</param>
/// <param name="time">The time.</param>
internal abstract class RowQueue<T>(int lanes, TimeProvider time)
    where T : RowCall
{
    /// <summary>The maximum number of calls in a batch.</summary>
    public const int MaxCalls = 64;

    /// <summary>
    /// How long a call may wait for its batch. Then whoever wanted it is about to be told that it failed, and the silo may have been
    /// frozen meanwhile.
    /// </summary>
    public static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private readonly Queue<T> _waiting = new();
    private int _lanes;

    /// <summary>How many calls wait for a batch.</summary>
    public int Waiting
    {
        get
        {
            lock (_lock) return _waiting.Count;
        }
    }

    /// <summary>Runs a batch. Every call in it must be told what became of it; those of a batch that throws have failed.</summary>
    protected abstract Task Run(List<T> batch);

    /// <summary>Whether a call may be in a batch with others.</summary>
    /// <param name="rows">The names and keys of the rows in the batch, to which this adds those of the call.</param>
    /// <param name="call">The call.</param>
    protected virtual bool Fits(HashSet<(string Name, string Key)> rows, T call) => true;

    /// <summary>Has a call sent.</summary>
    protected void Send(T call)
    {
        call.Since = time.GetTimestamp();
        lock (_lock)
        {
            _waiting.Enqueue(call);
            if (_lanes >= lanes) return;
            _lanes++;

            // Not on the grain's scheduler, on which the calls of others would wait for that grain, and not in its call's context.
            using (ExecutionContext.SuppressFlow()) _ = Task.Run(RunUntilNoneWaits);
        }
    }

    /// <summary>Fails all that wait, for a reason that is the same for all.</summary>
    protected void FailWaiting(Exception failure)
    {
        List<T> waiting;
        lock (_lock)
        {
            waiting = [.. _waiting];
            _waiting.Clear();
        }

        Fail(waiting, failure);
    }

    /// <summary>Fails calls.</summary>
    protected static void Fail(List<T> calls, Exception failure)
    {
        foreach (var call in calls) call.Failed(failure);
    }

    /// <summary>Why calls fail that were not sent.</summary>
    protected static DatabaseUnreachableException NotTried(string why) => new(new TimeoutException(why));

    private async Task RunUntilNoneWaits()
    {
        while (Next() is { } batch)
        {
            try
            {
                FailLate(batch);
                if (batch.Count > 0) await Run(batch);
            }
            catch (Exception e)
            {
                // Whatever this is, nobody may wait for ever.
                Fail(batch, e);
            }
        }
    }

    private List<T>? Next()
    {
        lock (_lock)
        {
            if (_waiting.Count == 0)
            {
                _lanes--;
                return null;
            }

            var batch = new List<T>(Math.Min(_waiting.Count, MaxCalls));
            var rows = new HashSet<(string, string)>();
            while (batch.Count < MaxCalls && _waiting.TryPeek(out var call) && Fits(rows, call)) batch.Add(_waiting.Dequeue());
            return batch;
        }
    }

    private void FailLate(List<T> batch)
    {
        foreach (var late in batch.Where(call => time.GetElapsedTime(call.Since) > MaxWait).ToList())
        {
            batch.Remove(late);
            late.Failed(NotTried("The row waited for too long."));
        }
    }
}

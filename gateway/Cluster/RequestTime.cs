namespace OrleansKms.Gateway.Cluster;

/// <summary>How long one request may take; all of its waits and calls share this.</summary>
internal abstract class RequestTime(TimeProvider time, TimeSpan timeout)
{
    private static readonly AsyncLocal<RequestTime?> _current = new();

    private readonly long _started = time.GetTimestamp();
    private bool _hasSpentTime;
    private long _waited;

    /// <summary>
    /// The request that a grain call belongs to, for the filter that retries calls; null outside requests, and in a silo, which
    /// has no such filter.
    /// </summary>
    public static RequestTime? Current
    {
        get => _current.Value;
        set => _current.Value = value;
    }

    /// <summary>How long the request has taken so far.</summary>
    public TimeSpan Elapsed => time.GetElapsedTime(_started);

    /// <summary>The time left for the work, or zero.</summary>
    public TimeSpan Remaining
    {
        get
        {
            var remaining = timeout - time.GetElapsedTime(_started + _waited);
            return remaining > TimeSpan.Zero ? remaining : TimeSpan.Zero;
        }
    }

    /// <summary>
    /// Waits for work that needs more than one call, within the request's deadline. (A single call ends by the Orleans client's
    /// own time-out, so it needs no timer.)
    /// </summary>
    /// <exception cref="TimeoutException">The deadline passed.</exception>
    public Task<T> Within<T>(Task<T> work) => work.IsCompleted ? work : work.WaitAsync(Remaining, time);

    /// <summary>
    /// Makes the request's final call, within its deadline. After another wait, for an alias or for the cluster, the call by
    /// itself would get the whole time again; usually there was none, and then this costs no timer.
    /// </summary>
    /// <exception cref="TimeoutException">The deadline passed.</exception>
    public Task<T> InTime<T>(Task<T> call) => _hasSpentTime ? Within(call) : call;

    /// <inheritdoc cref="InTime{T}(Task{T})"/>
    public ValueTask<T> InTime<T>(ValueTask<T> call) => _hasSpentTime && !call.IsCompleted ? new(Within(call.AsTask())) : call;

    /// <summary>The request has waited for something other than its call, so it has less time left than a call gets.</summary>
    public void HasSpentTime() => _hasSpentTime = true;

    /// <summary>The body has arrived: waiting for it was the client's time, and does not count as work.</summary>
    /// <param name="waitedSince">When the wait began, in the clock's ticks.</param>
    public void BodyHasArrived(long waitedSince) => _waited += time.GetTimestamp() - waitedSince;
}

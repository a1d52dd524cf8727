namespace OrleansKms.Grains.Hsm;

/// <summary>One piece of work for the HSM, and its caller.</summary>
internal abstract class HsmCall
{
    private const int Waiting = 0;
    private const int Running = 1;
    private const int Ended = 2;
    private const int Abandoned = 3;

    private int _state;
    private long _beganAt;

    /// <summary>Whether the work needs a session.</summary>
    public required bool NeedsSession { get; init; }

    /// <summary>When the HSM started it, as a time stamp of the clock; 0 before.</summary>
    public long BeganAt => Interlocked.Read(ref _beganAt);

    /// <summary>Starts it, unless it was abandoned.</summary>
    /// <param name="now">The time stamp.</param>
    public bool TryBegin(long now)
    {
        Interlocked.Exchange(ref _beganAt, now);
        return Interlocked.CompareExchange(ref _state, Running, Waiting) == Waiting;
    }

    /// <summary>Ends.</summary>
    /// <returns>False when it was abandoned in the meantime.</returns>
    public bool TryEnd() => Interlocked.CompareExchange(ref _state, Ended, Running) == Running;

    /// <summary>Abandons the call, unless it has ended: then its answer is there, or about to be, and must be taken.</summary>
    /// <param name="wasRunning">Whether the HSM is working on it.</param>
    /// <returns>False when it has ended.</returns>
    public bool TryAbandon(out bool wasRunning)
    {
        // It may start between the two, but never goes back.
        var before = Interlocked.CompareExchange(ref _state, Abandoned, Waiting);
        if (before == Running)
        {
            before = Interlocked.CompareExchange(ref _state, Abandoned, Running);
        }

        wasRunning = before == Running;
        return before != Ended;
    }

    /// <summary>Does the work.</summary>
    /// <param name="session">A session, if the work needs one.</param>
    public abstract void Execute(HsmSession? session);

    /// <summary>Completes the caller's task.</summary>
    public abstract void Complete();

    /// <summary>Fails the caller's task.</summary>
    public abstract void Fail(Exception failure);

    /// <summary>Discards a result that nobody takes.</summary>
    public abstract void Discard();
}

/// <summary>One piece of work with a result.</summary>
/// <param name="work">The work; runs again if its session turns out to be lost.</param>
internal sealed class HsmCall<T>(Func<HsmSession?, T> work) : HsmCall
{
    // The caller continues elsewhere: the pool's threads are for the HSM only.
    private readonly TaskCompletionSource<T> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private T _result = default!;

    /// <summary>The answer.</summary>
    public Task<T> Answer => _answer.Task;

    /// <inheritdoc/>
    public override void Execute(HsmSession? session) => _result = work(session);

    /// <inheritdoc/>
    public override void Complete() => _answer.SetResult(_result);

    /// <inheritdoc/>
    public override void Fail(Exception failure) => _answer.SetException(failure);

    /// <inheritdoc/>
    public override void Discard() => (_result as IDisposable)?.Dispose();
}

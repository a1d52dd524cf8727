namespace OrleansKms.Grains.Cryptography;

/// <summary>
/// Work that takes long, such as making an RSA key: on a few threads of its own, so that it holds up neither the turn of a grain nor
/// the threads on which grains run. Threads come with the work and end with it.
/// </summary>
/// <param name="threads">How much is done at once.</param>
/// <param name="maxWaiting">How much may wait; more is refused.</param>
public sealed class SlowWork(int threads, int maxWaiting)
{
    private readonly Lock _lock = new();
    private readonly Queue<Action> _waiting = new();
    private int _running;

    /// <summary>For all keys of this process: half of its processors, so that the other half answers.</summary>
    public static SlowWork Shared { get; } = new(Math.Max(1, Environment.ProcessorCount / 2), maxWaiting: 64);

    /// <summary>Runs work once a thread is free.</summary>
    /// <typeparam name="T">What it makes; disposed if nobody waits for it any more.</typeparam>
    /// <param name="work">The work.</param>
    /// <param name="cancellationToken">Ends the wait; work that has begun goes on, and what it makes is disposed.</param>
    /// <exception cref="KmsException">overloaded: too much waits already.</exception>
    public Task<T> Run<T>(Func<T> work, CancellationToken cancellationToken = default)
    {
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            if (_waiting.Count >= maxWaiting)
            {
                throw KmsError.Overloaded.Exception("Too many slow operations wait; try again later.");
            }

            _waiting.Enqueue(() => Complete(work, answer));
            if (_running < threads)
            {
                _running++;
                new Thread(RunAll) { IsBackground = true, Name = "okms slow work" }.Start();
            }
        }

        return cancellationToken.CanBeCanceled ? Cancellable(answer, cancellationToken) : answer.Task;
    }

    private static async Task<T> Cancellable<T>(TaskCompletionSource<T> answer, CancellationToken cancellationToken)
    {
        await using (cancellationToken.Register(() => answer.TrySetCanceled(cancellationToken)))
        {
            return await answer.Task;
        }
    }

    private static void Complete<T>(Func<T> work, TaskCompletionSource<T> answer)
    {
        if (answer.Task.IsCompleted)
        {
            return;
        }

        try
        {
            var made = work();
            if (!answer.TrySetResult(made))
            {
                (made as IDisposable)?.Dispose();
            }
        }
        catch (Exception e)
        {
            answer.TrySetException(e);
        }
    }

    private void RunAll()
    {
        while (true)
        {
            Action next;
            lock (_lock)
            {
                if (!_waiting.TryDequeue(out next!))
                {
                    _running--;
                    return;
                }
            }

            next();
        }
    }
}

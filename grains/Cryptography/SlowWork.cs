namespace OrleansKms.Grains.Cryptography;

/// <summary>
/// Work that takes long, such as making an RSA key: on a few threads of its own, so that it holds up neither the turn of a grain nor
/// the threads on which grains run. Threads come with the work and end with it.
/// </summary>
/// <param name="threads">How much is done at once.</param>
/// <param name="maxWaiting">How much may wait; more is refused.</param>
/// <param name="start">Starts a thread; null for the platform's.</param>
public sealed class SlowWork(int threads, int maxWaiting, Action<ThreadStart>? start = null)
{
    private readonly Lock _lock = new();
    private readonly LinkedList<Action> _waiting = new();
    private readonly Action<ThreadStart> _start = start ?? StartThread;
    private int _running;
    private int _reserved;

    /// <summary>The making of keys, for all keys of this process.</summary>
    public static SlowWork KeyMaking { get; } = new(ThreadsOfEach, maxWaiting: 64);

    /// <summary>Slow signatures, for all keys of this process: apart, so that no number of them keeps a key from being made or rotated.</summary>
    public static SlowWork Signatures { get; } = new(ThreadsOfEach, maxWaiting: 64);

    // Half of the processors for both together, so that the other half answers.
    private static int ThreadsOfEach => Math.Max(1, Environment.ProcessorCount / 4);

    /// <summary>Requires that something more may wait.</summary>
    /// <exception cref="KmsException">overloaded: too much waits already.</exception>
    public void RequireRoom()
    {
        lock (_lock)
        {
            if (_waiting.Count + _reserved >= maxWaiting)
            {
                throw KmsError.Overloaded.Exception("Too many slow operations wait; try again later.");
            }
        }
    }

    /// <summary>Runs work once a thread is free.</summary>
    /// <typeparam name="T">What it makes; disposed if nobody waits for it any more.</typeparam>
    /// <param name="work">The work.</param>
    /// <param name="cancellationToken">Ends the wait; work that has begun goes on, and what it makes is disposed.</param>
    /// <exception cref="KmsException">overloaded: too much waits already, or there is no thread for it.</exception>
    public Task<T> Run<T>(Func<T> work, CancellationToken cancellationToken = default)
    {
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        LinkedListNode<Action> place;
        lock (_lock)
        {
            RequireRoom();
            place = _waiting.AddLast(() => Complete(work, answer));
            if (_running < threads)
            {
                AddThread(place);
            }
        }

        return cancellationToken.CanBeCanceled ? Cancellable(answer, place, cancellationToken) : answer.Task;
    }

    /// <summary>Reserves a place for work that is to come soon.</summary>
    /// <exception cref="KmsException">overloaded: too much waits already.</exception>
    public Place Reserve()
    {
        lock (_lock)
        {
            RequireRoom();
            _reserved++;
            return new(this);
        }
    }

    private static void StartThread(ThreadStart run) => new Thread(run) { IsBackground = true, Name = "okms slow work" }.Start();

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

    /// <summary>Starts another thread. Where the system has none, threads that run already come to the new work; without any it is refused.</summary>
    private void AddThread(LinkedListNode<Action> place)
    {
        _running++;
        try
        {
            _start(RunAll);
        }
        catch (Exception e) when (e is OutOfMemoryException or ThreadStartException)
        {
            _running--;
            if (_running == 0)
            {
                _waiting.Remove(place);
                throw KmsError.Overloaded.Exception("The system has no thread for slow operations; try again later.");
            }
        }
    }

    private async Task<T> Cancellable<T>(TaskCompletionSource<T> answer, LinkedListNode<Action> place, CancellationToken cancellationToken)
    {
        await using (cancellationToken.Register(Cancel))
        {
            return await answer.Task;
        }

        void Cancel()
        {
            if (answer.TrySetCanceled(cancellationToken))
            {
                Leave(place);
            }
        }
    }

    // Others have the place that nobody waits in any more.
    private void Leave(LinkedListNode<Action> place)
    {
        lock (_lock)
        {
            if (place.List is not null)
            {
                _waiting.Remove(place);
            }
        }
    }

    private void RunAll()
    {
        while (true)
        {
            Action next;
            lock (_lock)
            {
                if (_waiting.First is not { } first)
                {
                    _running--;
                    return;
                }

                next = first.Value;
                _waiting.RemoveFirst();
            }

            next();
        }
    }

    /// <summary>A place that is kept for work to come, until it is run or the place disposed.</summary>
    public sealed class Place : IDisposable
    {
        private readonly SlowWork _queue;
        private bool _isTaken = true;

        internal Place(SlowWork queue) => _queue = queue;

        /// <summary>Runs work in the place.</summary>
        /// <typeparam name="T">What it makes.</typeparam>
        /// <param name="work">The work.</param>
        /// <exception cref="KmsException">overloaded: there is no thread for it.</exception>
        public Task<T> Run<T>(Func<T> work)
        {
            lock (_queue._lock)
            {
                // Nobody comes between.
                Dispose();
                return _queue.Run(work);
            }
        }

        /// <summary>Gives the place back.</summary>
        public void Dispose()
        {
            lock (_queue._lock)
            {
                if (_isTaken)
                {
                    _isTaken = false;
                    _queue._reserved--;
                }
            }
        }
    }
}

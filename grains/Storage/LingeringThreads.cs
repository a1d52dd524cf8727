namespace OrleansKms.Grains.Storage;

/// <summary>
/// A thread for each task that runs, so that none waits for another one. A thread that has nothing to do lingers for the next task: to start
/// one costs a hundred microseconds and, with what the platform and the C library keep for each, a hundred kilobytes.
/// </summary>
/// <param name="name">The threads' name, for debuggers.</param>
/// <param name="linger">How long a thread waits for a task before it ends.</param>
internal sealed class LingeringThreads(string name, TimeSpan linger) : TaskScheduler
{
    private readonly object _gate = new();
    private readonly Queue<Task> _waiting = new();
    private int _idle;

    /// <summary>Threads that wait for a task.</summary>
    internal int Idle
    {
        get
        {
            lock (_gate)
            {
                return _idle;
            }
        }
    }

    /// <inheritdoc/>
    protected override void QueueTask(Task task)
    {
        lock (_gate)
        {
            if (_idle > _waiting.Count)
            {
                _waiting.Enqueue(task);
                Monitor.Pulse(_gate);
                return;
            }
        }

        // Its context is the task's, not that of whoever needed a thread.
        new Thread(RunTasks) { IsBackground = true, Name = name }.UnsafeStart(task);
    }

    /// <inheritdoc/>
    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

    /// <inheritdoc/>
    protected override IEnumerable<Task> GetScheduledTasks()
    {
        lock (_gate)
        {
            return [.. _waiting];
        }
    }

    private void RunTasks(object? first)
    {
        for (var task = (Task?)first; task is not null; task = Next())
        {
            TryExecuteTask(task);
        }
    }

    private Task? Next()
    {
        lock (_gate)
        {
            _idle++;
            var isInTime = true;
            while (_waiting.Count == 0 && isInTime)
            {
                isInTime = Monitor.Wait(_gate, linger);
            }

            _idle--;
            return _waiting.TryDequeue(out var task) ? task : null;
        }
    }
}

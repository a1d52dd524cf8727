namespace OrleansKms.Grains.Storage;

/// <summary>
/// Runs work that blocks on the disk in threads of its own. The thread pool has as many threads as cores: two that wait for a slow disk
/// would stop every request of a small machine.
/// </summary>
internal static class DiskWork
{
    private static readonly LingeringThreads _threads = new("disk", TimeSpan.FromSeconds(10));

    /// <summary>Runs work; what it awaits continues in the thread pool.</summary>
    public static Task Run(Func<Task> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.HideScheduler, _threads).Unwrap();

    /// <summary>Runs work that has a result; what it awaits continues in the thread pool.</summary>
    public static Task<T> Run<T>(Func<Task<T>> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.HideScheduler, _threads).Unwrap();

    /// <summary>Starts work that handles its own failures.</summary>
    public static void Start(Action work) =>
        _ = Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.HideScheduler, _threads);
}

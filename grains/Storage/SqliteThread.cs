using System.Collections.Concurrent;

namespace OrleansKms.Grains.Storage;

/// <summary>
/// A thread for calls of SQLite, one after the other. They block until the disk has their data, and the thread pool has as many threads as
/// cores: two that wait for a slow disk would stop every request of a small machine.
/// </summary>
internal sealed class SqliteThread : IDisposable
{
    private readonly BlockingCollection<Action> _calls = [];

    /// <summary>Starts the thread.</summary>
    /// <param name="name">Its name, for debuggers.</param>
    public SqliteThread(string name) => new Thread(RunCalls) { IsBackground = true, Name = name }.Start();

    /// <summary>Runs a call; who awaits it continues in the thread pool.</summary>
    /// <exception cref="DatabaseUnreachableException">The thread has ended, or will after the calls that it has.</exception>
    public Task<T> Run<T>(Func<Task<T>> call)
    {
        var called = new TaskCompletionSource<Task<T>>(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            _calls.Add(() => Call(call, called));
        }
        catch (InvalidOperationException e)
        {
            throw new DatabaseUnreachableException(e);
        }

        return called.Task.Unwrap();
    }

    /// <summary>Ends the thread after the calls that it has.</summary>
    public void Dispose() => _calls.CompleteAdding();

    private static void Call<T>(Func<Task<T>> call, TaskCompletionSource<Task<T>> called)
    {
        try
        {
            called.SetResult(call());
        }
        catch (Exception e)
        {
            called.SetException(e);
        }
    }

    private void RunCalls()
    {
        foreach (var call in _calls.GetConsumingEnumerable()) call();
    }
}

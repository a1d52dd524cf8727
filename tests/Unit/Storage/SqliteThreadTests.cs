using OrleansKms.Grains.Storage;

namespace OrleansKms.Tests.Unit.Storage;

/// <summary>Calls of SQLite run on one thread, which is none of the pool's, one after the other.</summary>
public sealed class SqliteThreadTests
{
    [Fact]
    public async Task Calls_RunInOrder_OnOneThreadOutsideThePool()
    {
        using var thread = new SqliteThread("test");
        var order = new List<int>();
        var threads = new HashSet<int>();
        var calls = Enumerable.Range(0, 100).Select(i => thread.Run(() =>
        {
            Assert.False(Thread.CurrentThread.IsThreadPoolThread);
            order.Add(i);
            threads.Add(Environment.CurrentManagedThreadId);
            return Task.FromResult(i);
        })).ToList();
        Assert.Equal(Enumerable.Range(0, 100), await Task.WhenAll(calls));
        Assert.Equal(Enumerable.Range(0, 100), order);
        Assert.Single(threads);
    }

    [Fact]
    public async Task CallThatThrows_FailsAlone()
    {
        using var thread = new SqliteThread("test");
        await Assert.ThrowsAsync<IOException>(() => thread.Run<int>(() => throw new IOException()));
        await Assert.ThrowsAsync<IOException>(() => thread.Run(() => Task.FromException<int>(new IOException())));
        Assert.Equal(1, await thread.Run(() => Task.FromResult(1)));
    }

    [Fact]
    public async Task Dispose_LetsTheCallsBeforeRun_AndRefusesThoseAfter()
    {
        var thread = new SqliteThread("test");
        using var gate = new ManualResetEventSlim();
        var held = thread.Run(() =>
        {
            gate.Wait();
            return Task.FromResult(1);
        });
        var waiting = thread.Run(() => Task.FromResult(2));
        thread.Dispose();
        await Assert.ThrowsAsync<DatabaseUnreachableException>(() => thread.Run(() => Task.FromResult(3)));
        gate.Set();
        Assert.Equal(1, await held);
        Assert.Equal(2, await waiting);
    }
}

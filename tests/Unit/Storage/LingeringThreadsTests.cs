using OrleansKms.Grains.Storage;

namespace OrleansKms.Tests.Unit.Storage;

/// <summary>Threads that wait for the disk: as many as tasks that run, used again while they linger.</summary>
public sealed class LingeringThreadsTests
{
    private static readonly TimeSpan _longLinger = TimeSpan.FromMinutes(10);

    [Fact]
    public async Task TasksThatBlock_DoNotWaitForOneAnother()
    {
        var threads = new LingeringThreads("test", _longLinger);
        using var all = new Barrier(20);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Start(threads, () => all.SignalAndWait())));
    }

    [Fact]
    public async Task Thread_ThatHasNothingToDo_TakesTheNextTask()
    {
        var threads = new LingeringThreads("test", _longLinger);
        var first = await Start(threads, () => Environment.CurrentManagedThreadId);
        await UntilIdle(threads);
        Assert.Equal(first, await Start(threads, () => Environment.CurrentManagedThreadId));
    }

    [Fact]
    public async Task Thread_ThatLingeredLongEnough_Ends()
    {
        var threads = new LingeringThreads("test", TimeSpan.FromMilliseconds(1));
        var thread = await Start(threads, () => Thread.CurrentThread);
        thread.Join();
        Assert.Equal(0, threads.Idle);
        await Start(threads, () => { });
    }

    [Fact]
    public async Task Tasks_WhileThreadsComeAndGo_AreEachRunOnce()
    {
        var threads = new LingeringThreads("test", TimeSpan.FromMilliseconds(1));
        var ran = new int[2000];
        await Parallel.ForEachAsync(Enumerable.Range(0, ran.Length), async (i, _) =>
        {
            await Start(threads, () => Interlocked.Increment(ref ran[i]));
            if (i % 50 == 0) await Task.Delay(1, CancellationToken.None);
        });
        Assert.All(ran, count => Assert.Equal(1, count));
    }

    [Fact]
    public async Task WhatWorkAwaits_ContinuesInTheThreadPool()
    {
        var (inOwn, inPool) = await DiskWork.Run(async () =>
        {
            var before = Thread.CurrentThread.IsThreadPoolThread;
            await Task.Yield();
            return (!before, Thread.CurrentThread.IsThreadPoolThread);
        });
        Assert.True(inOwn);
        Assert.True(inPool);
    }

    [Fact]
    public async Task Thread_HasTheContextOfItsTask_AndKeepsNone()
    {
        var threads = new LingeringThreads("test", _longLinger);
        var flows = new AsyncLocal<string> { Value = "first" };
        Assert.Equal("first", await Start(threads, () => flows.Value));
        await UntilIdle(threads);
        flows.Value = "second";
        Assert.Equal("second", await Start(threads, () => flows.Value));
        await UntilIdle(threads);
        flows.Value = null!;
        Assert.Null(await Start(threads, () => flows.Value));
    }

    private static async Task UntilIdle(LingeringThreads threads)
    {
        while (threads.Idle == 0) await Task.Delay(1);
    }

    private static Task<T> Start<T>(LingeringThreads threads, Func<T> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.None, threads);

    private static Task Start(LingeringThreads threads, Action work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.None, threads);
}

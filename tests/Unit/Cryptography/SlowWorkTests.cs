using OrleansKms.Grains.Cryptography;

namespace OrleansKms.Tests.Unit.Cryptography;

public sealed class SlowWorkTests
{
    [Fact]
    public async Task Work_RunsOnThreadsOfItsOwn_AsManyAsThereMayBe_AndRefusesWhatWouldWaitTooLong()
    {
        var slow = new SlowWork(threads: 2, maxWaiting: 3);
        using var gate = new SemaphoreSlim(0);
        using var begun = new SemaphoreSlim(0);
        var (running, most) = (0, 0);
        int Work()
        {
            Assert.False(Thread.CurrentThread.IsThreadPoolThread);
            var now = Interlocked.Increment(ref running);
            InterlockedMax(ref most, now);
            begun.Release();
            gate.Wait();
            Interlocked.Decrement(ref running);
            return now;
        }

        var work = new List<Task<int>> { slow.Run(Work), slow.Run(Work) };
        await begun.WaitAsync();
        await begun.WaitAsync();
        for (var i = 0; i < 3; i++) work.Add(slow.Run(Work));
        Assert.Equal("overloaded", (await Assert.ThrowsAsync<KmsException>(() => slow.Run(Work))).Code);
        gate.Release(5);
        await Task.WhenAll(work);
        Assert.Equal(2, most);

        // Its threads have ended, and others come.
        gate.Release();
        Assert.InRange(await slow.Run(Work), 1, 2);
    }

    [Fact]
    public async Task Reserved_PlaceIsKept_UntilItIsUsedOrGivenBack()
    {
        var slow = new SlowWork(threads: 1, maxWaiting: 1);
        using var gate = new SemaphoreSlim(0);
        using var begun = new SemaphoreSlim(0);
        var running = slow.Run(() =>
        {
            begun.Release();
            gate.Wait();
            return 0;
        });
        await begun.WaitAsync();
        using var place = slow.Reserve();
        Assert.Equal("overloaded", (await Assert.ThrowsAsync<KmsException>(() => slow.Run(() => 1))).Code);
        Assert.Equal("overloaded", Assert.Throws<KmsException>(() => slow.Reserve()).Code);
        var waiting = place.Run(() => 2);
        place.Dispose();
        Assert.Equal("overloaded", Assert.Throws<KmsException>(() => slow.Reserve()).Code);
        gate.Release();
        Assert.Equal((0, 2), (await running, await waiting));
        slow.Reserve().Dispose();
        Assert.Equal(3, await slow.Run(() => 3));
    }

    [Fact]
    public async Task Cancelled_WorkThatWaits_IsNotBegun_AndWhatRunningWorkMakes_IsDisposed()
    {
        var slow = new SlowWork(threads: 1, maxWaiting: 10);
        using var gate = new SemaphoreSlim(0);
        using var begun = new SemaphoreSlim(0);
        using var cancelled = new CancellationTokenSource();
        var secret = new SecretBytes(1);
        var running = slow.Run(
            () =>
            {
                begun.Release();
                gate.Wait();
                return secret;
            },
            cancelled.Token);
        await begun.WaitAsync();
        var isBegun = false;
        var waiting = slow.Run(() => isBegun = true, cancelled.Token);
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        gate.Release();
        Assert.Equal(7, await slow.Run(() => 7));
        Assert.False(isBegun);
        Assert.Throws<ObjectDisposedException>(() => secret.Span.Length);
    }

    [Fact]
    public async Task Failure_OfWork_IsItsAnswer() =>
        await Assert.ThrowsAsync<InvalidOperationException>(() => new SlowWork(1, 1).Run<int>(() => throw new InvalidOperationException()));

    [Fact]
    public async Task Cancelled_WorkThatWaits_LeavesItsPlaceToOthers()
    {
        var slow = new SlowWork(threads: 1, maxWaiting: 1);
        using var gate = new SemaphoreSlim(0);
        using var begun = new SemaphoreSlim(0);
        using var cancelled = new CancellationTokenSource();
        var running = slow.Run(() =>
        {
            begun.Release();
            gate.Wait();
            return 1;
        });
        await begun.WaitAsync();
        var left = slow.Run(() => 2, cancelled.Token);
        Assert.Equal("overloaded", Assert.Throws<KmsException>(slow.RequireRoom).Code);
        await cancelled.CancelAsync();
        slow.RequireRoom();
        var next = slow.Run(() => 3);
        gate.Release();
        Assert.Equal((1, 3), (await running, await next));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);
    }

    [Fact]
    public async Task SystemWithoutThreads_RefusesWork_OrLeavesItToThoseThatRun_AndRecovers()
    {
        var threadsLeft = 0;
        var slow = new SlowWork(threads: 2, maxWaiting: 2, run =>
        {
            if (threadsLeft-- <= 0)
            {
                throw new InsufficientMemoryException();
            }

            new Thread(run).Start();
        });
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal("overloaded", (await Assert.ThrowsAsync<KmsException>(() => slow.Run(() => 0))).Code);
        }

        threadsLeft = 1;
        using var gate = new SemaphoreSlim(0);
        var first = slow.Run(() =>
        {
            gate.Wait();
            return 1;
        });
        var second = slow.Run(() => 2);
        gate.Release();
        Assert.Equal((1, 2), (await first, await second));
    }

    private static void InterlockedMax(ref int most, int value)
    {
        for (var seen = most; value > seen; seen = most)
        {
            Interlocked.CompareExchange(ref most, value, seen);
        }
    }
}

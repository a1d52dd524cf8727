using Microsoft.Extensions.Time.Testing;
using OrleansKms.Gateway.Configuration;
using OrleansKms.Gateway.Limits;

namespace OrleansKms.Tests.Unit.Gateway;

public sealed class ConcurrencyLimitTests
{
    private static readonly TimeSpan _delay = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(5);

    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task Requests_BeyondTheLimit_WaitInTurn_AndTheRestIsRefusedAtOnce()
    {
        var limit = Limit(max: 2, queue: 2);
        Assert.True(await limit.Enter(_patience));
        Assert.True(await limit.Enter(_patience));
        var (first, second) = (limit.Enter(_patience).AsTask(), limit.Enter(_patience).AsTask());
        var refused = limit.Enter(_patience);
        Assert.True(refused.IsCompleted);
        Assert.False(await refused);
        Assert.False(first.IsCompleted);
        limit.Leave(null);
        Assert.True(await first);
        Assert.False(second.IsCompleted);
        limit.Leave(null);
        Assert.True(await second);
    }

    [Fact]
    public async Task Request_ThatHasWaitedTooLong_IsRefused_AndItsPlaceIsNobodys()
    {
        var limit = Limit(max: 1, queue: 2);
        Assert.True(await limit.Enter(_patience));
        var waiting = limit.Enter(_patience).AsTask();
        _time.Advance(_delay);
        Assert.False(await waiting);
        limit.Leave(null);
        Assert.True(await limit.Enter(_patience));
    }

    [Fact]
    public async Task Limit_FallsToWhatIsAnsweredInTime_WhenEvenTheFastestWaited_AndRisesAgain()
    {
        var limit = Limit(max: 4096, queue: 0);
        await Load(limit, requests: 2000, took: _delay * 2);

        // 2,000 in an interval are 10,000 a second, and 1,000 in the time that one may wait.
        Assert.Equal(1000, limit.Limit);
        await Load(limit, requests: 20, took: _delay * 2);
        Assert.Equal(ConcurrencyLimit.Floor, limit.Limit);

        // Fast again, and more come than there are places for.
        await Load(limit, requests: ConcurrencyLimit.Floor + 1, took: _delay / 10);
        Assert.InRange(limit.Limit, ConcurrencyLimit.Floor + 1, 2 * ConcurrencyLimit.Floor);
    }

    [Fact]
    public async Task Limit_FallsAlsoWhereAnswersAreFew()
    {
        var limit = Limit(max: 4096, queue: 0);
        for (var i = 0; i < 40; i++) Assert.True(await limit.Enter(_patience));
        for (var i = 0; i < 10; i++) limit.Leave(_delay * 20);
        _time.Advance(ConcurrencyLimit.Interval);
        limit.Leave(_delay * 20);
        Assert.Equal(4096, limit.Limit);
        for (var i = 0; i < 10; i++) limit.Leave(_delay * 20);
        Assert.Equal(ConcurrencyLimit.Floor, limit.Limit);
    }

    [Fact]
    public async Task Limit_IsRaisedAgain_WhereLoweringItMadeNothingFaster()
    {
        // Each takes twice the delay by itself, however many there are: half the limit answers half as many.
        var limit = Limit(max: 4096, queue: 0);
        await Load(limit, requests: 2000, took: _delay * 2);
        Assert.Equal(1000, limit.Limit);
        await Load(limit, requests: 2000, took: _delay * 2);
        Assert.Equal(4096, limit.Limit);
        await Load(limit, requests: 2000, took: _delay * 2);
        Assert.Equal(4096, limit.Limit);

        // What queues besides takes longer than that.
        await Load(limit, requests: 2000, took: _delay * 5);
        Assert.Equal(4000, limit.Limit);
    }

    [Fact]
    public async Task Limit_StaysLow_WhereTheSiloAnswersAsManyAsBefore()
    {
        var limit = Limit(max: 4096, queue: 0);
        await Load(limit, requests: 1000, took: _delay * 5);
        Assert.Equal(500, limit.Limit);
        await Load(limit, requests: 1000, took: _delay / 2);
        Assert.InRange(limit.Limit, 500, 700);
    }

    [Fact]
    public async Task Limit_StaysWhereSomeHangAndOthersAreAnsweredFast()
    {
        var limit = Limit(max: 4096, queue: 0);
        for (var i = 0; i < 3000; i++) Assert.True(await limit.Enter(_patience));
        for (var i = 0; i < 100; i++) limit.Leave(i % 2 == 0 ? _delay / 10 : _delay * 20);
        _time.Advance(ConcurrencyLimit.Interval);
        limit.Leave(null);
        Assert.Equal(4096, limit.Limit);
    }

    [Fact]
    public async Task Limit_IsNotLoweredByWhatWasNotAnswered()
    {
        var limit = Limit(max: 4096, queue: 0);
        for (var i = 0; i < 100; i++) Assert.True(await limit.Enter(_patience));
        for (var i = 0; i < 99; i++) limit.Leave(null);
        _time.Advance(ConcurrencyLimit.Interval);
        limit.Leave(null);
        Assert.Equal(4096, limit.Limit);
    }

    [Fact]
    public async Task Place_Free_CostsNoMemory()
    {
        var limit = Limit(max: 2, queue: 2);
        Assert.True(await limit.Enter(_patience));
        limit.Leave(_delay);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            var entered = limit.Enter(_patience);
            Assert.True(entered.IsCompletedSuccessfully);
            limit.Leave(_delay);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private ConcurrencyLimit Limit(int max, int queue) =>
        new(new GatewayOptions { MaxConcurrentRequests = max, MaxQueuedRequests = queue, OverloadDelay = _delay }, _time);

    /// <summary>As many requests as that at once, over one interval.</summary>
    private async Task Load(ConcurrencyLimit limit, int requests, TimeSpan took)
    {
        var entered = 0;
        for (var i = 0; i < requests; i++) entered += await limit.Enter(_patience) ? 1 : 0;
        for (var i = 0; i < entered - 1; i++) limit.Leave(took);
        _time.Advance(ConcurrencyLimit.Interval);
        limit.Leave(took);
    }
}

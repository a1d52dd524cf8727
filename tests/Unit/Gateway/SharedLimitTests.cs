using Microsoft.Extensions.Time.Testing;
using OrleansKms.Gateway.Limits;
using OrleansKms.Grains.Limits;

namespace OrleansKms.Tests.Unit.Gateway;

/// <summary>A limit that several gateways share by blocks of one window.</summary>
public sealed class SharedLimitTests
{
    private static readonly TimeSpan _minute = TimeSpan.FromMinutes(1);
    private readonly FakeTimeProvider _time = new(new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly Lock _grain = new();
    private SharedWindow _window = new();
    private bool _isAway;
    private bool _isOverloaded;
    private bool _isStored;
    private int _calls;

    [Theory]
    [InlineData(6_000, 1.1, 1, 1, 1, true)]
    [InlineData(6_000, 2, 1, 1, 1, false)]
    [InlineData(6_000, 1.5, 8, 1, 1, true)]
    [InlineData(60_000, 3, 1, 2, 3, true)]
    [InlineData(600, 2, 1, 1, 1, false)]
    [InlineData(30, 2, 1, 1, 1, true)]
    public async Task Uses_OverThreeGateways_AreTheLimitWithinFivePercent(long count, double demand, int first, int second, int third, bool isStored)
    {
        _isStored = isStored;
        var gateways = Gateways(count);
        int[] shares = [first, second, third];
        var made = await Load(gateways, shares, (long)(count * demand), _minute);
        Assert.InRange(made, 0.95 * count, count);
        Assert.InRange(_calls, 1, Math.Max(3 * count, 3 * 3 * SharedWindow.Parts));
    }

    [Fact]
    public async Task Load_BelowTheLimit_IsNeverRefused_AndMostUsesCostNoCall()
    {
        var gateways = Gateways(6_000);
        Assert.Equal(4_800, await Load(gateways, [1, 1, 1], 4_800, _minute));
        Assert.InRange(_calls, 1, 480);
    }

    [Fact]
    public async Task SmallLimit_IsExact_WhicheverGatewayIsAsked()
    {
        var gateways = Gateways(3);
        foreach (var gateway in gateways) Assert.True(await Takes(gateway, 1));
        foreach (var gateway in gateways) Assert.False(await Takes(gateway, 1));
        _time.Advance(_minute);
        Assert.True(await Takes(gateways[1], 3));
        Assert.False(await Takes(gateways[0], 1));
    }

    [Fact]
    public async Task Refusal_SaysWhichLimit_AndWhenTheWindowEnds_AndCostsNoMoreCalls()
    {
        var gateway = Gateways(1)[0];
        Assert.True(await Takes(gateway, 1));
        _time.Advance(_minute / 3);
        var refusal = await Assert.ThrowsAsync<KmsException>(() => gateway.Take(1));
        Assert.Equal(
            (KmsError.RateLimited, "The limit of principal p, 1 of use per PT1M, is reached.", _minute * 2 / 3), (refusal.Error, refusal.Message, refusal.RetryAfter));
        var calls = _calls;
        for (var i = 0; i < 100; i++) Assert.False(await Takes(gateway, 1));
        Assert.Equal(calls, _calls);
    }

    [Fact]
    public async Task ManyUses_AreAllOrNone()
    {
        var gateway = Gateways(10)[0];
        Assert.False(await Takes(gateway, 11));
        Assert.True(await Takes(gateway, 7));
        Assert.False(await Takes(gateway, 4));
        Assert.True(await Takes(gateway, 3));
    }

    [Fact]
    public async Task GrainThatHasForgotten_LearnsFromTheGateways()
    {
        var gateways = Gateways(100);
        for (var i = 0; i < 20; i++)
        {
            foreach (var gateway in gateways) Assert.True(await Takes(gateway, 1));
        }

        _window = new();
        var more = 0;
        for (var i = 0; i < 50; i++)
        {
            foreach (var gateway in gateways) more += await Takes(gateway, 1) ? 1 : 0;
        }

        Assert.InRange(more, 35, 40);
    }

    [Fact]
    public async Task GrainThatIsOverloaded_LeavesOnlyWhatIsHere_AndNobodyGrantsMore()
    {
        _isStored = true;
        var gateways = Gateways(6_000);
        var made = await Load(gateways, [1, 1, 1], 3_000, _minute / 2);
        Assert.Equal(3_000, made);
        _isOverloaded = true;
        var calls = _calls;
        var more = await Load(gateways, [1, 1, 1], 3_000, _minute / 4, "overloaded");
        Assert.InRange(more, 0, 3 * 6_000 / SharedWindow.Parts);

        // It is not asked for each of them: it has enough to do.
        Assert.InRange(_calls - calls, 3, 3 * 15 * 5 + 3);
        _isOverloaded = false;
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.InRange(made + more + await Load(gateways, [1, 1, 1], 6_000, _minute / 8), 0.95 * 6_000, 6_000);
    }

    [Fact]
    public async Task AnswerThatIsLate_IsNotWaitedFor_AndItsBlockIsThereOnceItComes()
    {
        var answer = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var late = new SharedLimit("principal p", new LimitRule(10, TimeSpan.FromDays(31)), async request =>
        {
            asked.TrySetResult();
            await answer.Task;
            return await Reserve(request);
        }, _time);
        var waiting = Assert.ThrowsAsync<KmsException>(() => late.Take(1));
        await asked.Task;
        while (!waiting.IsCompleted)
        {
            _time.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Delay(1);
        }

        Assert.Equal(KmsError.Overloaded, (await waiting).Error);
        Assert.Equal(KmsError.Overloaded, (await Assert.ThrowsAsync<KmsException>(() => late.Take(1))).Error);
        answer.SetResult();
        while (!late.TryTake(1)) await Task.Delay(1);
        Assert.Equal(1, _calls);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task WhatAGatewayGrantedAlone_CountsOnceASiloIsThere(bool isStored)
    {
        _isStored = isStored;
        var gateways = Gateways(100);
        Assert.True(await Takes(gateways[0], 10));
        _isAway = true;
        Assert.True(await Takes(gateways[0], 40));
        Assert.True(await Takes(gateways[1], 20));
        _isAway = false;
        Assert.True(await Takes(gateways[0], 1));
        Assert.True(await Takes(gateways[1], 1));
        Assert.False(await Takes(gateways[2], 29));
        Assert.True(await Takes(gateways[2], 28));

        // Reported once, and over with the window.
        Assert.False(await Takes(gateways[0], 1));
        _time.Advance(_minute);
        Assert.True(await Takes(gateways[1], 100));
    }

    [Fact]
    public async Task NoSiloThatCanBeReached_LeavesEachGatewayToKeepTheLimitByItself()
    {
        var gateways = Gateways(100);
        _isAway = true;
        foreach (var gateway in gateways)
        {
            for (var i = 0; i < 100; i++) Assert.True(await Takes(gateway, 1));
            Assert.False(await Takes(gateway, 1));
        }

        _isAway = false;
        _time.Advance(_minute);
        Assert.True(await Takes(gateways[0], 100));
        Assert.False(await Takes(gateways[1], 1));
    }

    /// <summary>
    /// A use that a request took and gave back, since another limit refused it, stays with its gateway: another one that is asked meanwhile,
    /// or later, refuses what the limit would admit. It is never more than what was given back, and nothing is admitted twice.
    /// </summary>
    [Fact]
    public async Task UseThatWasGivenBack_StaysWithItsGateway_UntilTheWindowEnds()
    {
        var gateways = Gateways(25);
        Assert.True(await Takes(gateways[0], 1));
        for (var i = 0; i < 24; i++) Assert.True(await Takes(gateways[1], 1));

        // All 25 are given; one of them is held by a request that another limit is about to refuse.
        Assert.False(await Takes(gateways[1], 1));
        gateways[0].GiveBack(1);
        Assert.False(await Takes(gateways[1], 1));
        Assert.True(await Takes(gateways[0], 1));
        Assert.False(await Takes(gateways[0], 1));
        gateways[0].GiveBack(1);
        _time.Advance(_minute);
        Assert.True(await Takes(gateways[1], 25));
        Assert.False(await Takes(gateways[0], 1));
    }

    /// <summary>The same beside a block on its way: whoever asked for it needs it no more, and it stays.</summary>
    [Fact]
    public async Task UseThatIsGivenBackWhileABlockIsFetched_LeavesThatBlockUnused_AndAdmitsNoneTwice()
    {
        var answer = new TaskCompletionSource();
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var isHeld = false;
        var held = new SharedLimit("principal p", new LimitRule(2, _minute), async request =>
        {
            if (isHeld)
            {
                asked.TrySetResult();
                await answer.Task;
            }

            return await Reserve(request with { Gateway = "held" });
        }, _time);
        Assert.True(await Takes(held, 1));
        isHeld = true;
        var waiting = Takes(held, 1);
        await asked.Task;
        held.GiveBack(1);
        answer.SetResult();
        Assert.True(await waiting);
        Assert.False(await Takes(Gateways(2)[0], 1));
        Assert.True(await Takes(held, 1));
        Assert.False(await Takes(held, 1));
    }

    [Fact]
    public async Task Use_ThatIsHere_CostsNoMemory()
    {
        var gateway = Gateways(60 * 1000)[0];
        Assert.True(await Takes(gateway, 900));
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 50; i++) gateway.TryTake(1);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private SharedLimit[] Gateways(long count) => [.. Enumerable.Range(0, 3).Select(i => new SharedLimit(
        "principal p", new LimitRule(count, _minute), request => Reserve(request with { Gateway = $"{i}" }), _time))];

    private Task<ReservedUses?> Reserve(ReserveUses request)
    {
        // One at a time, as a grain does: gateways fetch blocks in the background.
        lock (_grain)
        {
            _calls++;
            return _isOverloaded ? Task.FromException<ReservedUses?>(_calls % 2 == 0 ? new TimeoutException() : KmsError.Overloaded.Exception())
                : Task.FromResult(_isAway ? null : _window.Reserve(request, _time.GetUtcNow().ToUnixTimeMilliseconds(), _isStored));
        }
    }

    private async Task<long> Load(SharedLimit[] gateways, int[] shares, long uses, TimeSpan over, string refusal = "rate_limited")
    {
        // In random order, as requests come, and evenly over the time.
        var random = new Random(1);
        var pool = shares.SelectMany((share, i) => Enumerable.Repeat(i, share)).ToArray();
        var made = 0L;
        for (var i = 0L; i < uses; i++)
        {
            var gateway = gateways[pool[random.Next(pool.Length)]];
            made += await Takes(gateway, 1, refusal) ? 1 : 0;

            // The clock does not run ahead of the block that it fetches in the background.
            await gateway.Fetching;
            if (i < uses - 1) _time.Advance(TimeSpan.FromTicks(over.Ticks / uses));
        }

        return made;
    }

    private static async Task<bool> Takes(SharedLimit gateway, long uses, string refusal = "rate_limited")
    {
        try
        {
            await gateway.Take(uses);
            return true;
        }
        catch (KmsException e) when (e.Code == refusal)
        {
            return false;
        }
    }
}

using Microsoft.Extensions.Time.Testing;
using OrleansKms.Gateway.Hosting;

namespace OrleansKms.Tests.Unit.Gateway;

/// <summary>A quiet process gives back what its start and its timers leave, and a busy one is left to the collector.</summary>
public sealed class QuietMemoryTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly SemaphoreSlim _asked = new(0);
    private TimeSpan _watch = QuietMemory.FirstWatch;
    private TimeSpan _cpu;
    private int _given;

    public void Dispose()
    {
        _stopping.Dispose();
        _asked.Dispose();
    }

    [Fact]
    public async Task Run_GivesBackAfterEachQuietWatch_AndNeverAfterABusyOne()
    {
        var run = Run();
        await Pass(QuietMemory.QuietShare * 5);
        await Pass(QuietMemory.QuietShare * 1.1);
        Assert.Equal(0, _given);
        await Pass(QuietMemory.QuietShare);
        Assert.Equal(1, _given);
        await Pass(QuietMemory.QuietShare * 1.1);
        Assert.Equal(1, _given);
        await Pass(0);
        Assert.Equal(2, _given);
        await Stop(run);
    }

    [Fact]
    public async Task Run_WatchesLongerEachTime_UpToTheLongest()
    {
        var run = Run();
        while (_watch < QuietMemory.LongestWatch) await Pass(0);
        var given = _given;
        await Pass(0);
        await Pass(0);
        Assert.Equal(given + 2, _given);
        await Stop(run);
    }

    [Fact]
    public async Task Run_OfAProcessThatStops_Ends()
    {
        var run = Run();
        await Stop(run);
        Assert.Equal(0, _given);
    }

    private Task Run() => new QuietMemory(_time, CpuTime, () => _given++).Run(_stopping.Token);

    private async Task Stop(Task run)
    {
        var given = _given;
        await _stopping.CancelAsync();
        await run;
        Assert.Equal(given, _given);
    }

    private TimeSpan CpuTime()
    {
        _asked.Release();
        return _cpu;
    }

    // A watch begins by asking, once its timer runs, and ends by asking; then the next one begins. A moment before its end, nothing is asked.
    private async Task Pass(double share)
    {
        var moment = TimeSpan.FromMilliseconds(1);
        Assert.True(await _asked.WaitAsync(TimeSpan.FromMinutes(1)));
        _cpu += _watch * share;
        _time.Advance(_watch - moment);
        Assert.Equal(0, _asked.CurrentCount);
        _time.Advance(moment);
        Assert.True(await _asked.WaitAsync(TimeSpan.FromMinutes(1)));
        Assert.True(await _asked.WaitAsync(TimeSpan.FromMinutes(1)));
        _asked.Release();
        if (_watch < QuietMemory.LongestWatch) _watch += QuietMemory.Longer;
    }
}

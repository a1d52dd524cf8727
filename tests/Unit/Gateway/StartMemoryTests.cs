using Microsoft.Extensions.Time.Testing;
using OrleansKms.Gateway.Hosting;

namespace OrleansKms.Tests.Unit.Gateway;

/// <summary>Memory of the start is given back once, when there is little to do, and never under load.</summary>
public sealed class StartMemoryTests : IDisposable
{
    private static readonly TimeSpan _little = StartMemory.Watch * StartMemory.QuietShare;
    private readonly FakeTimeProvider _time = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly SemaphoreSlim _asked = new(0);
    private TimeSpan _cpu;
    private int _given;

    public void Dispose()
    {
        _stopping.Dispose();
        _asked.Dispose();
    }

    [Fact]
    public async Task Run_GivesBackOnce_InTheFirstQuietMoment()
    {
        var run = Run();
        await Pass(_little * 5);
        await Pass(_little * 2);
        Assert.Equal(0, _given);
        await Pass(_little);
        await run;
        Assert.Equal(1, _given);
    }

    [Fact]
    public async Task Run_UnderLoad_GivesUpAfterAMinute()
    {
        var run = Run();
        for (var passed = TimeSpan.Zero; passed < TimeSpan.FromMinutes(1); passed += StartMemory.Watch)
        {
            Assert.False(run.IsCompleted);
            await Pass(_little * 2);
        }

        await run;
        Assert.Equal(0, _given);
    }

    [Fact]
    public async Task Run_OfAProcessThatStops_Ends()
    {
        var run = Run();
        await _stopping.CancelAsync();
        await run;
        Assert.Equal(0, _given);
    }

    private Task Run() => new StartMemory(_time, Cpu, () => _given++).Run(_stopping.Token);

    private TimeSpan Cpu()
    {
        _asked.Release();
        return _cpu;
    }

    // A watch begins by asking, once its timer runs, and ends by asking.
    private async Task Pass(TimeSpan used)
    {
        Assert.True(await _asked.WaitAsync(TimeSpan.FromMinutes(1)));
        _cpu += used;
        _time.Advance(StartMemory.Watch);
        Assert.True(await _asked.WaitAsync(TimeSpan.FromMinutes(1)));
    }
}

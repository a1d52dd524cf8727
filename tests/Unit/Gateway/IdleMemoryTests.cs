using Microsoft.Extensions.Time.Testing;
using OrleansKms.Gateway.Hosting;

namespace OrleansKms.Tests.Unit.Gateway;

/// <summary>An idle process gives back what its timers leave, and a busy one is left to the collector.</summary>
public sealed class IdleMemoryTests : IDisposable
{
    private static readonly TimeSpan _little = IdleMemory.Watch * StartMemory.QuietShare;
    private readonly FakeTimeProvider _time = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly SemaphoreSlim _watched = new(0);
    private TimeSpan _cpu;
    private int _given;

    public void Dispose()
    {
        _stopping.Dispose();
        _watched.Dispose();
    }

    [Fact]
    public async Task Run_GivesBackAfterEachQuietWatch()
    {
        var run = Run();
        await Pass(_little);
        Assert.Equal(1, _given);
        await Pass(_little * 2);
        Assert.Equal(1, _given);
        await Pass(_little);
        Assert.Equal(2, _given);
        await _stopping.CancelAsync();
        await run;
        Assert.Equal(2, _given);
    }

    private Task Run() => new IdleMemory(_time, CpuTime, () => _given++).Run(_stopping.Token);

    private TimeSpan CpuTime()
    {
        _watched.Release();
        return _cpu;
    }

    // A watch begins by asking, once its timer runs, and ends by asking; then the next one begins.
    private async Task Pass(TimeSpan used)
    {
        Assert.True(await _watched.WaitAsync(TimeSpan.FromMinutes(1)));
        _cpu += used;
        _time.Advance(IdleMemory.Watch);
        Assert.True(await _watched.WaitAsync(TimeSpan.FromMinutes(1)));
        Assert.True(await _watched.WaitAsync(TimeSpan.FromMinutes(1)));
        _watched.Release();
    }
}

using Microsoft.Extensions.Time.Testing;
using OrleansKms.Gateway.Hosting;

namespace OrleansKms.Tests.Unit.Gateway;

/// <summary>An idle process collects what its timers leave, and a busy one is left to the collector.</summary>
public sealed class IdleMemoryTests : IDisposable
{
    private static readonly TimeSpan _little = IdleMemory.Watch * StartMemory.QuietShare;
    private readonly FakeTimeProvider _time = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly SemaphoreSlim _watched = new(0);
    private TimeSpan _cpu;
    private int _collections;
    private int _collected;

    public void Dispose()
    {
        _stopping.Dispose();
        _watched.Dispose();
    }

    [Fact]
    public async Task Run_CollectsAfterEachQuietWatch_InWhichNothingWasCollected()
    {
        var run = Run();
        await Pass(_little, collections: 0);
        Assert.Equal(1, _collected);
        await Pass(_little * 2, collections: 0);
        await Pass(_little, collections: 1);
        Assert.Equal(1, _collected);
        await Pass(_little, collections: 0);
        Assert.Equal(2, _collected);
        await _stopping.CancelAsync();
        await run;
        Assert.Equal(2, _collected);
    }

    private Task Run() => new IdleMemory(_time, () => _cpu, Collections, () => _collected++).Run(_stopping.Token);

    private int Collections()
    {
        _watched.Release();
        return _collections;
    }

    // A watch begins by asking, once its timer runs, and ends by asking; then the next one begins.
    private async Task Pass(TimeSpan used, int collections)
    {
        Assert.True(await _watched.WaitAsync(TimeSpan.FromMinutes(1)));
        (_cpu, _collections) = (_cpu + used, _collections + collections);
        _time.Advance(IdleMemory.Watch);
        Assert.True(await _watched.WaitAsync(TimeSpan.FromMinutes(1)));
        Assert.True(await _watched.WaitAsync(TimeSpan.FromMinutes(1)));
        _watched.Release();
    }
}

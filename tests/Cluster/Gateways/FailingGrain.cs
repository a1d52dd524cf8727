using System.Collections.Concurrent;
using Orleans.Concurrency;

namespace OrleansKms.Tests.Cluster.Gateways;

/// <summary>A grain that fails as often as it is told, in the ways in which calls fail on their way to a grain.</summary>
public interface IFailingGrain : IGrainWithStringKey
{
    /// <summary>Does no harm when it runs twice.</summary>
    /// <returns>How often the grain was called.</returns>
    [DataPlane] Task<int> Read(string failure, int times);

    /// <summary>The same, without a task.</summary>
    [DataPlane] ValueTask<int> ReadNow(string failure, int times);

    /// <summary>Must run once.</summary>
    Task<int> Change(string failure, int times);

    /// <summary>Must run once, and has nothing to tell.</summary>
    Task Remove(string failure, int times);
}

/// <inheritdoc cref="IFailingGrain"/>
[Reentrant]
public sealed class FailingGrain : Grain, IFailingGrain
{
    private static readonly ConcurrentDictionary<string, int> _calls = new();

    public static int CallsOf(string key) => _calls.GetValueOrDefault(key);

    public Task<int> Read(string failure, int times) => Run(failure, times);

    public async ValueTask<int> ReadNow(string failure, int times) => await Run(failure, times);

    public Task<int> Change(string failure, int times) => Run(failure, times);

    public Task Remove(string failure, int times) => Run(failure, times);

    private Task<int> Run(string failure, int times)
    {
        var calls = _calls.AddOrUpdate(this.GetPrimaryKeyString(), 1, (_, count) => count + 1);
        if (calls > times) return Task.FromResult(calls);
        return failure switch
        {
            "stopping" => throw new SiloUnavailableException("Silo 'S127.0.0.1:1:1' is shutting down."),
            "dead" => throw new SiloUnavailableException(),
            "late" => throw new TimeoutException(),
            "refused" => throw KmsError.StorageUnavailable.Exception(),
            "silent" => AfterAllDeadlines(calls),
            "busy" => throw new LimitExceededException("requests", 1, 1, "-"),
            _ => throw (KmsError.All.TryGetValue(failure, out var error) ? error.Exception() : new InvalidOperationException(failure)),
        };
    }

    // Not never: a silo that stops waits for what runs in it.
    private static async Task<int> AfterAllDeadlines(int calls)
    {
        await Task.Delay(TimeSpan.FromSeconds(8));
        return calls;
    }
}

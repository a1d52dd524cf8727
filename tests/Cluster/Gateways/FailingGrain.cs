using System.Collections.Concurrent;
using Orleans.Concurrency;

namespace OrleansKms.Tests.Cluster.Gateways;

/// <summary>How a call is to fail, and how often.</summary>
[GenerateSerializer, Immutable]
public sealed record FailingCall([property: Id(0)] string Failure, [property: Id(1)] int Times) : ICallerRequest
{
    [Id(2)] public Caller Caller { get; init; } = new("test", "local", "request-1");
}

/// <summary>A grain that fails as often as it is told, in the ways in which calls fail on their way to a grain.</summary>
public interface IFailingGrain : IGrainWithStringKey
{
    /// <summary>Does no harm when it runs twice.</summary>
    /// <returns>How often the grain was called.</returns>
    [Operation("keys:decrypt")] Task<int> Read(FailingCall call);

    /// <summary>The same, without a task.</summary>
    [Operation("keys:encrypt")] ValueTask<int> ReadNow(FailingCall call);

    /// <summary>Must run once.</summary>
    [Operation("keys:rotate")] Task<int> Change(FailingCall call);

    /// <summary>Must run once, and has nothing to tell.</summary>
    [Operation("aliases:remove")] Task Remove(FailingCall call);
}

/// <inheritdoc cref="IFailingGrain"/>
[Reentrant]
public sealed class FailingGrain : Grain, IFailingGrain
{
    private static readonly ConcurrentDictionary<string, int> _calls = new();

    public static int CallsOf(string key) => _calls.GetValueOrDefault(key);

    public Task<int> Read(FailingCall call) => Run(call);

    public async ValueTask<int> ReadNow(FailingCall call) => await Run(call);

    public Task<int> Change(FailingCall call) => Run(call);

    public Task Remove(FailingCall call) => Run(call);

    private Task<int> Run(FailingCall call)
    {
        var calls = _calls.AddOrUpdate(this.GetPrimaryKeyString(), 1, (_, count) => count + 1);
        if (calls > call.Times) return Task.FromResult(calls);
        return call.Failure switch
        {
            "stopping" => throw new SiloUnavailableException("Silo 'S127.0.0.1:1:1' is shutting down."),
            "dead" => throw new SiloUnavailableException(),
            "late" => throw new TimeoutException(),
            "refused" => throw KmsError.StorageUnavailable.Exception(),
            "silent" => AfterAllDeadlines(calls),
            "busy" => throw new LimitExceededException("requests", 1, 1, "-"),
            _ => throw (KmsError.All.TryGetValue(call.Failure, out var error) ? error.Exception() : new InvalidOperationException(call.Failure)),
        };
    }

    // Not never: a silo that stops waits for what runs in it.
    private static async Task<int> AfterAllDeadlines(int calls)
    {
        await Task.Delay(TimeSpan.FromSeconds(8));
        return calls;
    }
}

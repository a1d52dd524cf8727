using System.Collections.Concurrent;
using System.Threading.Channels;
using Orleans.Concurrency;
using Orleans.Placement;

namespace OrleansKms.Tests.Cluster.Transport;

/// <summary>Sends back what it is sent, from wherever it is.</summary>
[Alias("test.IEchoGrain")]
public interface IEchoGrain : IGrainWithStringKey
{
    [Alias("Echo")]
    Task<EchoBytes> Echo(EchoBytes bytes);

    /// <summary>Has another grain send it back: from silo to silo, if that is on another.</summary>
    [Alias("EchoBy")]
    Task<EchoBytes> EchoBy(string other, EchoBytes bytes);

    /// <summary>Sends it back once <see cref="HeldEchoes.Release"/> lets it.</summary>
    [Alias("EchoHeld")]
    Task<EchoBytes> EchoHeld(EchoBytes bytes);

    /// <summary>The silo on which it is.</summary>
    [Alias("Whereabouts")]
    Task<string> Whereabouts();
}

[GenerateSerializer, Immutable, Alias("test.EchoBytes")]
public sealed record EchoBytes([property: Id(0)] byte[] Bytes);

// Reentrant, since grains call each other in circles here.
[RandomPlacement, Reentrant]
public sealed class EchoGrain(ILocalSiloDetails silo) : Grain, IEchoGrain
{
    public Task<EchoBytes> Echo(EchoBytes bytes) => Task.FromResult(bytes);

    public Task<EchoBytes> EchoBy(string other, EchoBytes bytes) => GrainFactory.GetGrain<IEchoGrain>(other).Echo(bytes);

    public async Task<EchoBytes> EchoHeld(EchoBytes bytes)
    {
        await HeldEchoes.Of(this.GetPrimaryKeyString()).Wait();
        return bytes;
    }

    public Task<string> Whereabouts() => Task.FromResult(silo.SiloAddress.ToString());
}

/// <summary>The calls of a grain that are held, in a test with silos of its own process.</summary>
public sealed class HeldEchoes
{
    private static readonly ConcurrentDictionary<string, HeldEchoes> _all = new();

    private readonly Channel<string> _arrived = Channel.CreateUnbounded<string>();
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public static HeldEchoes Of(string key) => _all.GetOrAdd(key, _ => new());

    public async Task Arrived(int count)
    {
        using var patience = new CancellationTokenSource(TlsHost.Patience);
        for (var i = 0; i < count; i++) await _arrived.Reader.ReadAsync(patience.Token);
    }

    public void Release() => _released.SetResult();

    internal Task Wait()
    {
        _arrived.Writer.TryWrite("one");
        return _released.Task;
    }
}

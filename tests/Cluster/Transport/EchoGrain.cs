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

    public Task<string> Whereabouts() => Task.FromResult(silo.SiloAddress.ToString());
}

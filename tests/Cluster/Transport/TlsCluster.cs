using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Cluster.Transport;

/// <summary>Two silos and a client, as deploy/certs.sh equips them.</summary>
public sealed class TlsCluster : IAsyncLifetime
{
    internal Certificates Certificates { get; } = new();

    internal TlsHost First { get; private set; } = null!;

    internal TlsHost Second { get; private set; } = null!;

    internal TlsHost Client { get; private set; } = null!;

    internal int SiloPort { get; } = ServiceProcess.FreePort();

    internal int ClientPort { get; } = ServiceProcess.FreePort();

    internal int SecondClientPort { get; } = ServiceProcess.FreePort();

    public async Task InitializeAsync()
    {
        First = await TlsHost.StartSilo(Certificates.Silo("silo-1"), SiloPort, ClientPort);
        Second = await TlsHost.StartSilo(Certificates.Silo("silo-2"), ServiceProcess.FreePort(), SecondClientPort, primaryPort: SiloPort);
        Client = await TlsHost.StartClient(Certificates.Gateway("gateway"), [ClientPort, SecondClientPort]);
    }

    public async Task DisposeAsync()
    {
        await Client.DisposeAsync();
        await Second.DisposeAsync();
        await First.DisposeAsync();
        Certificates.Dispose();
    }

    /// <summary>A call that is answered, by each silo, to a client that connects anew.</summary>
    internal async Task StillServes()
    {
        foreach (var port in new[] { ClientPort, SecondClientPort })
        {
            await using var client = await TlsHost.StartClient(Certificates.Files("gateway"), [port], triesAgain: true);
            Assert.Equal("again"u8.ToArray(), (await client.Echo("again").Echo(new("again"u8.ToArray()))).Bytes);
        }
    }
}

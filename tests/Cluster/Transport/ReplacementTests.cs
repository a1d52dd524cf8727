using Microsoft.Extensions.Time.Testing;
using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Cluster.Transport;

/// <summary>Connections that are cut, and certificates that are replaced, while silo and client run.</summary>
public sealed class ReplacementTests : IDisposable
{
    private readonly Certificates _certificates = new();
    // A little ahead, so that a certificate made in the meantime is valid by it.
    private readonly FakeTimeProvider _clock = new(DateTimeOffset.UtcNow.AddMinutes(10));
    private readonly int _port = ServiceProcess.FreePort();

    public void Dispose() => _certificates.Dispose();

    [Fact]
    public async Task ConnectionThatIsCut_IsNoticedByBothSides_AndMadeAnew()
    {
        using var relay = new Relay(_port);
        await using var silo = await StartSilo(_certificates.Silo("silo"), relay);
        await using var client = await TlsHost.StartClient(_certificates.Client("client"), [relay.Port]);
        await Echo(client);

        relay.Cut();

        await silo.Connections.Until(connections => connections.Ended == 1);
        await client.Connections.Until(connections => connections.Ended == 1);
        await TlsHost.UntilServed(() => Echo(client));
        Assert.Equal(1, silo.Connections.Begun - silo.Connections.Ended);
    }

    [Fact]
    public async Task ClientsCertificateUnderAnotherName_IsPassedOver_AndTheOldOneServes()
    {
        await using var silo = await StartSilo(_certificates.Silo("silo"));
        var files = Copy(_certificates.Client("client"), "client-of-its-own");
        await using var client = await TlsHost.StartClient(files, [_port], _clock);
        await Echo(client);

        Certificates.Replace(_certificates.Client("another"), files);
        Tick();

        await client.Log.Line("Warning", "OKMS_TLS_CERT", "names CN=another", "restart the client", "still use the certificate CN=client");
        await Echo(client);
    }

    [Fact]
    public async Task SiloThatStops_LetsGoOfItsConnections()
    {
        var silo = await StartSilo(_certificates.Silo("silo"));
        await using var client = await TlsHost.StartClient(_certificates.Client("client"), [_port]);
        await Echo(client);

        await silo.DisposeAsync();

        Assert.NotEqual(0, silo.Connections.Begun);
        Assert.Equal(silo.Connections.Begun, silo.Connections.Ended);
        await client.Connections.Until(connections => connections.Ended == connections.Begun);
    }

    [Fact]
    public async Task WhoConnectsAndSaysNothing_IsSentAway()
    {
        await using var silo = await StartSilo(_certificates.Silo("silo"));
        using var stranger = await Stranger.Connect(_port);
        await silo.Connections.Until(connections => connections.Begun == 1);

        var gone = silo.Connections.Until(connections => connections.Ended == 1);
        while (!gone.IsCompleted)
        {
            // The handshake's time begins a little after the connection.
            _clock.Advance(TimeSpan.FromSeconds(11));
            await Task.WhenAny(gone, Task.Delay(10));
        }

        await gone;
        await stranger.UntilClosed();
        await silo.Log.Line("Information", "no TLS handshake within 10 s", stranger.Name);
    }

    [Fact]
    public async Task Replaced_OnBothSides_NewConnectionsUseTheNew_AndTheOldAuthorityIsRefused()
    {
        using var successors = new Certificates();
        var siloFiles = _certificates.Silo("silo");
        var clientFiles = Copy(_certificates.Client("client"), "client-of-its-own");
        var old = Copy(clientFiles, "old");
        using var relay = new Relay(_port);
        await using var silo = await StartSilo(siloFiles, relay);
        await using var client = await TlsHost.StartClient(clientFiles, [relay.Port], _clock);
        await Echo(client);

        Certificates.Replace(successors.Silo("silo"), siloFiles);
        Tick();
        await silo.Log.Line("Information", "were replaced", "CN=silo");

        // The connection that was open goes on; the old authority's certificates make no new one.
        await Echo(client);
        using (var stranger = await Stranger.Connect(_port))
        {
            await stranger.Greet(old);
            await stranger.UntilClosed();
            await silo.Log.Line(stranger.Name, "comes from no trusted authority");
        }

        Certificates.Replace(successors.Client("client"), clientFiles);
        Tick();
        await client.Log.Line("Information", "were replaced", "CN=client");
        relay.Cut();
        await TlsHost.UntilServed(() => Echo(client));
        await using var another = await TlsHost.StartClient(successors.Files("client"), [relay.Port]);
        await Echo(another);
    }

    [Fact]
    public async Task ReplacedOneByOne_TheOldSetServesUntilTheNewFitsTogether()
    {
        using var successors = new Certificates();
        var (files, next) = (_certificates.Silo("silo"), successors.Silo("silo"));
        var old = Copy(files, "old");
        await using var silo = await StartSilo(files);

        var pem = File.ReadAllText(next.CertificateFile);
        File.WriteAllText(files.CertificateFile, pem[..(pem.Length / 2)]);
        Tick();
        await silo.Log.Line("Warning", "OKMS_TLS_CERT", files.CertificateFile, "cannot be used");
        await ServesWith(old);

        File.WriteAllText(files.CertificateFile, pem);
        Tick();
        await silo.Log.Line("Warning", "OKMS_TLS_KEY", files.KeyFile, "cannot be used");
        await ServesWith(old);

        File.Delete(files.KeyFile);
        Tick();
        await silo.Log.Line("Warning", "OKMS_TLS_KEY", "cannot be read");

        File.Copy(next.KeyFile, files.KeyFile);
        Tick();
        await silo.Log.Line("Warning", "does not come from an authority in the file of OKMS_TLS_CA");
        await ServesWith(old);

        File.Copy(next.AuthorityFile, files.AuthorityFile, overwrite: true);
        Tick();
        await silo.Log.Line("Information", "were replaced");
        await ServesWith(next);
        Assert.Equal(4, silo.Log.Lines.Count(line => line.Contains("cannot be used:", StringComparison.Ordinal)));
    }

    private Task<TlsHost> StartSilo(MutualTlsFiles files, Relay? relay = null) =>
        TlsHost.StartSilo(files, ServiceProcess.FreePort(), _port, advertisedPort: relay?.Port, clock: _clock);

    private async Task ServesWith(MutualTlsFiles files)
    {
        // A silo's certificate may connect to the client port, too.
        await using var client = await TlsHost.StartClient(files, [_port]);
        await Echo(client);
    }

    private static async Task Echo(TlsHost host) => Assert.Equal([1, 2, 3], (await host.Echo("one").Echo(new([1, 2, 3]))).Bytes);

    /// <summary>Lets the files be looked at as often as it takes.</summary>
    private void Tick()
    {
        for (var i = 0; i < 3; i++) _clock.Advance(TimeSpan.FromSeconds(1));
    }

    private MutualTlsFiles Copy(MutualTlsFiles files, string name)
    {
        var copy = _certificates.Write(name, File.ReadAllText(files.CertificateFile), File.ReadAllText(files.KeyFile));
        File.Copy(files.AuthorityFile, Path.Combine(_certificates.Directory, $"{name}-ca.pem"));
        return copy with { AuthorityFile = Path.Combine(_certificates.Directory, $"{name}-ca.pem") };
    }
}

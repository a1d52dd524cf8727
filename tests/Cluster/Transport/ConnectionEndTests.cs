using Microsoft.Extensions.Time.Testing;
using Orleans.Configuration;
using OrleansKms.Silo.Clustering;
using OrleansKms.Tests.Cluster.Gateways;
using OrleansKms.Tests.Cluster.Keys;
using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Cluster.Transport;

/// <summary>A connection ends with the certificate of either side, or at a maximum age, and is replaced.</summary>
public sealed class ConnectionEndTests : IDisposable
{
    private readonly Certificates _certificates = new();
    // A little ahead, so that a certificate made in the meantime is valid by it.
    private readonly FakeTimeProvider _clock = new(DateTimeOffset.UtcNow.AddMinutes(10));
    private readonly int _port = ServiceProcess.FreePort();

    /// <summary>What ends a connection, and by which the other reason is far away: minutes of age, and of a certificate.</summary>
    public static TheoryData<string, int, int> Bounds => new()
    {
        { "the maximum age", 60, 24 * 60 },
        { "the certificate's expiry", 24 * 60, 60 },
    };

    public void Dispose() => _certificates.Dispose();

    // In each of these one side has the test's clock, and by its own the other has no reason to end anything.
    [Theory]
    [MemberData(nameof(Bounds))]
    public async Task WithAClient_IsEndedByTheSilo(string bound, int age, int certificate)
    {
        var files = Sign("client", certificate);
        await using var silo = await TlsHost.StartSilo(Aged(_certificates.Silo("silo"), age), ServiceProcess.FreePort(), _port, clock: _clock);
        await using var client = await TlsHost.StartClient(files, [_port]);
        await Ends(silo, client, files, bound, silo.Connections, () => Echo(client));
        await client.Connections.Until(connections => connections.Ended == 1);
        Assert.Equal(1, silo.Connections.Begun - silo.Connections.Ended);
    }

    [Theory]
    [MemberData(nameof(Bounds))]
    public async Task WithASilo_IsEndedByTheClient(string bound, int age, int certificate)
    {
        var files = Sign("silo", certificate);
        await using var silo = await TlsHost.StartSilo(files, ServiceProcess.FreePort(), _port);
        await using var client = await TlsHost.StartClient(Aged(_certificates.Client("client"), age), [_port], _clock);
        await Ends(client, silo, files, bound, client.Connections, () => Echo(client));
        await silo.Connections.Until(connections => connections.Ended == 1);
    }

    [Theory]
    [MemberData(nameof(Bounds))]
    public async Task BetweenSilos_IsEndedByEither(string bound, int age, int certificate)
    {
        var (siloPort, files) = (ServiceProcess.FreePort(), Sign("silo-2", certificate));
        await using var first = await TlsHost.StartSilo(Aged(_certificates.Silo("silo-1"), age), siloPort, _port, clock: _clock);
        await using var second = await TlsHost.StartSilo(files, ServiceProcess.FreePort(), ServiceProcess.FreePort(), primaryPort: siloPort);
        var here = await KeyOn(first, first);
        var there = await KeyOn(first, second);
        await Ends(first, second, files, bound, first.ToSilos, async () =>
        {
            Assert.Equal([1], (await first.Echo(here).EchoBy(there, new([1]))).Bytes);
            Assert.Equal([2], (await second.Echo(there).EchoBy(here, new([2]))).Bytes);
        });
    }

    [Fact]
    public async Task WhileCallsAreUnderWay_EachOfTheDataPlaneIsAnswered()
    {
        const int Callers = 16, Rounds = 5;
        using var directory = new TemporaryDirectory();
        var (clusterId, connections) = (Guid.NewGuid().ToString("N"), new ConnectionCount());
        await using var silo = await TestSilo.Start(
            new() { DataDirectory = directory.Path }, clusterId: clusterId, clientPort: _port, transport: silo =>
            {
                silo.Configure<SiloConnectionOptions>(o => o.ConfigureGatewayInboundConnection(connections.Count));
                silo.UseMutualTls(Aged(_certificates.Silo("silo"), minutes: 1), _clock);
            });
        await using var gateway = await TestGateway.Start(
            clusterId, _port, TimeSpan.FromMinutes(1), transport: client => client.UseMutualTls(_certificates.Gateway("gateway")));
        await gateway.Link.Connected.WaitAsync(ServiceProcess.Patience);
        await gateway.Http.Create("key");

        var isOver = false;
        using var answers = new SemaphoreSlim(0);
        var callers = Enumerable.Range(0, Callers).Select(async _ =>
        {
            while (!Volatile.Read(ref isOver))
            {
                // Whatever is not a success throws.
                await gateway.Http.Encrypt("key", [1, 2, 3]);
                answers.Release();
            }
        }).ToList();
        for (var round = 1; round <= Rounds; round++)
        {
            for (var i = 0; i < 4 * Callers; i++) Assert.True(await answers.WaitAsync(TlsHost.Patience));
            _clock.Advance(TimeSpan.FromMinutes(1));
            await connections.Until(count => count.Ended == round && count.Begun > round);
        }

        Volatile.Write(ref isOver, true);
        await Task.WhenAll(callers);
    }

    /// <summary>Lets an hour pass for the one whose clock is the test's, and sees the connections end and serve again.</summary>
    private async Task Ends(TlsHost judge, TlsHost judged, MutualTlsFiles files, string bound, ConnectionCount connections, Func<Task> call)
    {
        await TlsHost.UntilServed(call);
        var begun = connections.Begun;
        _clock.Advance(TimeSpan.FromMinutes(50));
        await call();
        Assert.Equal(0, connections.Ended);
        // Under the same name, to which a client's id belongs.
        var name = Path.GetFileNameWithoutExtension(files.CertificateFile);
        Certificates.Replace(Sign(name, 24 * 60, file: "renewed"), files);
        await judged.Log.Line("Information", "were replaced", "CN=" + name);

        _clock.Advance(TimeSpan.FromMinutes(11));

        await judge.Log.Line("CN=" + name, "it has reached " + bound);
        await connections.Until(count => count.Ended >= begun);
        await TlsHost.UntilServed(call);
        Assert.NotEqual(0, connections.Begun - connections.Ended);
    }

    /// <summary>A certificate that ends so long after the test's clock has begun; by the machine's it is good.</summary>
    private MutualTlsFiles Sign(string name, int minutes, string? file = null) => _certificates.Sign(
        name, [name.StartsWith("silo", StringComparison.Ordinal) ? "okms:silo" : "okms:client"], validFor: TimeSpan.FromMinutes(minutes + 11), file: file);

    private static MutualTlsFiles Aged(MutualTlsFiles files, int minutes) => files with { MaxConnectionAge = TimeSpan.FromMinutes(minutes) };

    private static async Task Echo(TlsHost host) => Assert.Equal([1, 2, 3], (await host.Echo("one").Echo(new([1, 2, 3]))).Bytes);

    /// <summary>The key of a grain that is on a silo.</summary>
    private static async Task<string> KeyOn(TlsHost asked, TlsHost silo)
    {
        var address = ((ILocalSiloDetails)silo.Services.GetService(typeof(ILocalSiloDetails))!).SiloAddress.ToString();
        for (var i = 0; ; i++)
        {
            var key = $"{silo.GetHashCode()}-{i}";
            if (await asked.Echo(key).Whereabouts() == address) return key;
        }
    }
}

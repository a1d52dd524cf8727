using System.Globalization;
using System.Text.RegularExpressions;
using OrleansKms.Tests.Cluster.Processes;
using OrleansKms.Tests.Internals;

namespace OrleansKms.Tests.Cluster.Transport;

/// <summary>A cluster of two silos, as processes, with certificates as an operator makes them, and one key.</summary>
public sealed class AttackedCluster : IAsyncLifetime
{
    internal Certificates Certificates { get; } = new();

    internal ClusterProcesses Cluster { get; private set; } = null!;

    internal ServiceProcess First => Cluster.Processes[0];

    internal ServiceProcess Second => Cluster.Processes[1];

    internal int ClientPort { get; } = ServiceProcess.FreePort();

    internal int OtherClientPort { get; } = ServiceProcess.FreePort();

    internal Victim Here { get; private set; } = null!;

    internal Victim Other { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        var files = Certificates.Silo("silo");
        Cluster = await ClusterProcesses.Prepare(
            ("OKMS_TLS_CA", files.AuthorityFile), ("OKMS_TLS_CERT", files.CertificateFile), ("OKMS_TLS_KEY", files.KeyFile),
            ("OKMS_ADVERTISED_ADDRESS", "127.0.0.1"), ClusterProcesses.WithGateway);
        var first = await Cluster.StartSilo(ClusterProcesses.WithGateway, ("OKMS_CLIENT_PORT", ClientPort.ToString(CultureInfo.InvariantCulture)));
        Here = await ActiveSilo();
        await Cluster.StartSilo(ClusterProcesses.WithGateway, ("OKMS_CLIENT_PORT", OtherClientPort.ToString(CultureInfo.InvariantCulture)));
        await Cluster.UntilActive(2);
        Other = await ActiveSilo(except: Here);
        await first.Http.Create("attacked");
    }

    public async Task DisposeAsync()
    {
        await Cluster.DisposeAsync();
        Certificates.Dispose();
    }

    /// <summary>What an attack could change.</summary>
    internal async Task<string> State() => string.Join('\n',
        await Cluster.Scalar("SELECT string_agg(port::text || ':' || generation || ':' || status, ',' ORDER BY port) FROM okms_membership"),
        await Cluster.Scalar("SELECT count(*) FROM okms_kek"),
        await Cluster.Scalar("SELECT count(*) FROM okms_reminder"),
        await Cluster.Scalar("SELECT count(*) FROM okms_row"));

    private async Task<Victim> ActiveSilo(Victim? except = null)
    {
        var silo = (string)(await Cluster.Scalar(FormattableString.Invariant(
            $"SELECT port || ':' || generation FROM okms_membership WHERE status = 3 AND port <> {except?.SiloPort ?? 0}")))!;
        var parts = silo.Split(':');
        return new(int.Parse(parts[0], CultureInfo.InvariantCulture), int.Parse(parts[1], CultureInfo.InvariantCulture));
    }
}

/// <summary>
/// What somebody can do who has got hold of a certificate for the client port, and of Orleans' own interfaces. Orleans believes
/// whatever reaches it: without what stands before it, each of these succeeds.
/// </summary>
public sealed class AttackTests(AttackedCluster attacked) : IClassFixture<AttackedCluster>
{
    private static readonly string[] _gateway = ["okms:gateway", "okms:client"];

    public static TheoryData<string> Names => [.. Attacks.All.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Attack_IsRefused_ChangesNothing_AndIsToldWithTheCertificatesName(string attack)
    {
        var before = await attacked.State();
        var name = "by-" + Regex.Replace(attack, "[^a-z]+", "-");
        await using var attacker = await Connect(name, _gateway);
        await using var victim = await Connect("victim", _gateway);

        var attempt = Attacks.All[attack](attacker, attacked.Here, attacked.Other, victim);
        await Refused(name, attempt);

        await StillServes(victim);
        Assert.Equal(before, await attacked.State());
    }

    [Fact]
    public async Task ForgedAdministrator_WithAGatewaysCertificate_IsDenied()
    {
        var before = await attacked.State();
        await using var attacker = await Connect("gateway-of-no-administrator", _gateway);
        var kek = (await attacked.First.Http.Keks()).Single().Id;
        foreach (var attempt in new[] { () => Attacks.RotateKek(attacker), () => Attacks.DestroyKek(attacker, kek) })
        {
            var denied = await Record.ExceptionAsync(attempt) as KmsException;
            Assert.True(denied is not null, attacked.Cluster.ToString());
            Assert.Equal("permission_denied", denied.Code);
        }

        Assert.Equal(before, await attacked.State());
        await StillServes(attacker);
    }

    [Fact]
    public async Task NameOfAnotherClient_IsRefused_AndTheOtherGetsItsAnswers()
    {
        await using var victim = await Connect("named", _gateway);
        await StillServes(victim);
        var files = attacked.Certificates.Sign("namesake", _gateway, [Certificates.ClientUsage]);
        await Refused("namesake", Attacker.Connect(files, attacked.ClientPort, victim));
        await StillServes(victim);
    }

    [Fact]
    public async Task NameOfAnotherClient_OnAnotherSilo_IsRefused_AndTheOtherGetsItsAnswers()
    {
        // Of so many, each silo has some. A silo hands what its own grains answer to whoever is connected to it under that id.
        var keys = Enumerable.Range(0, 32).Select(i => $"spread-{i}").ToList();
        foreach (var key in keys) await attacked.First.Http.Create(key);
        await using var victim = await Connect("spread", _gateway);
        foreach (var key in keys) await Attacks.Describe(victim, key);

        var files = attacked.Certificates.Sign("namesake-elsewhere", _gateway, [Certificates.ClientUsage]);
        await Refused("namesake-elsewhere", Attacker.Connect(files, attacked.OtherClientPort, victim), attacked.Second);
        foreach (var key in keys) await Attacks.Describe(victim, key);
    }

    [Fact]
    public async Task Service_DoesNotReachWhatIsForGateways()
    {
        var before = await attacked.State();
        await using var service = await Connect("service", ["okms:client"]);
        await Refused("service", Attacks.ListCredentials(service));
        await StillServes(service);
        await using var another = await Connect("another-service", ["okms:client"]);
        await Refused("another-service", Attacks.RotateKek(another));
        await StillServes(another);
        Assert.Equal(before, await attacked.State());
    }

    private Task<Attacker> Connect(string name, string[] roles) =>
        Attacker.Connect(attacked.Certificates.Sign(name, roles, [Certificates.ClientUsage]), attacked.ClientPort);

    private async Task Refused(string certificate, Task attempt, ServiceProcess? silo = null)
    {
        silo ??= attacked.First;
        var refused = silo.UntilSaid($"CN={certificate} (");
        var first = await Task.WhenAny(refused, attempt);
        await first;
        Assert.True(first == refused, $"The attack succeeded.\n{attacked.Cluster}");
        var line = silo.Output.Single(said => said.Contains($"CN={certificate} (", StringComparison.Ordinal));
        Assert.Contains("warn", line, StringComparison.Ordinal);
        Assert.False(attempt.IsCompletedSuccessfully);
    }

    /// <summary>Both silos are there, and a key answers whoever may ask.</summary>
    private async Task StillServes(Attacker client)
    {
        Assert.Equal("attacked", (await Attacks.Describe(client, "attacked")).Id);
        foreach (var silo in attacked.Cluster.Processes)
        {
            Assert.Null(silo.ExitCode);
            await silo.Http.Describe("attacked");
        }
    }
}

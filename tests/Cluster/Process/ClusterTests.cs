using System.Net;
using OrleansKms.Gateway.Hosting;
using OrleansKms.Tests.Cluster.Faults;

namespace OrleansKms.Tests.Cluster.Processes;

/// <summary>Several silos on one Postgres, as processes.</summary>
public sealed class ClusterTests
{
    [Fact]
    public async Task ThreeSilosAtOnceOnAnEmptyDatabase_BecomeOneCluster()
    {
        await using var cluster = ClusterProcesses.Empty(await Postgres.NewDatabase());

        await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => cluster.StartSilo()));

        await cluster.UntilActive(3);
        Assert.Equal(1L, await cluster.Scalar("SELECT count(*) FROM okms_kek"));
        Assert.Equal(1L, await cluster.Scalar("SELECT count(*) FROM okms_kek_wrap"));
        Assert.Single(Directory.GetFiles(cluster.DataDirectory));
    }

    [Fact]
    public async Task AKey_IsOneKeyThroughEverySilo()
    {
        await using var cluster = await ClusterProcesses.Start(3);
        var (first, second, third) = (cluster.Processes[0].Http, cluster.Processes[1].Http, cluster.Processes[2].Http);
        for (var i = 0; i < 12; i++)
        {
            var id = $"shared-{i}";
            await first.Create(id);
            var (_, ciphertext) = await second.Encrypt(id, [1, 2, 3]);
            await third.Rotate(id);
            Assert.Equal((byte[])[1, 2, 3], Assert.Single(await first.DecryptAll(id, [ciphertext])).Plaintext);
            Assert.Equal(2, (await second.Encrypt(id, [4])).Version);
            Assert.Equal(2, (await third.Describe(id))["uses"]!["encrypt"]!.GetValue<long>());
        }
    }

    [Fact]
    public async Task KilledSilo_ItsKeysAnswerFromTheOthers_AndNothingAcknowledgedIsLost()
    {
        await using var cluster = await ClusterProcesses.Start(3);
        var (survivor, victim) = (cluster.Processes[0], cluster.Processes[2]);
        var ciphertexts = new Dictionary<string, byte[]>();
        foreach (var id in Enumerable.Range(0, 30).Select(i => $"key-{i}"))
        {
            await victim.Http.Create(id);
            await survivor.Http.Rotate(id);
            ciphertexts[id] = (await victim.Http.Encrypt(id, [7, 7])).Ciphertext;
        }

        await victim.Kill();

        foreach (var (id, ciphertext) in ciphertexts)
        {
            var results = await ClusterProcesses.Until(() => survivor.Http.DecryptAll(id, [ciphertext]));
            Assert.Equal((byte[])[7, 7], Assert.Single(results).Plaintext);
            var key = await survivor.Http.Describe(id);
            Assert.Equal(2, key["primary_version"]!.GetValue<int>());
            Assert.True(key["uses"]!["encrypt"]!.GetValue<long>() >= 1);
            await survivor.Http.Encrypt(id, [8]);
        }
        await cluster.UntilActive(2);
    }

    [Fact]
    public async Task FrozenSilo_ItsKeysAnswerFromTheOthers_AndWokenItEndsItself()
    {
        await using var cluster = await ClusterProcesses.Start(3);
        var (survivor, victim) = (cluster.Processes[0], cluster.Processes[2]);
        var ids = Enumerable.Range(0, 30).Select(i => $"key-{i}").ToList();
        foreach (var id in ids) await victim.Http.Create(id);

        victim.Freeze();

        foreach (var id in ids) await ClusterProcesses.Until(() => survivor.Http.Encrypt(id, [1]));
        await cluster.UntilActive(2);
        victim.Thaw();
        Assert.NotEqual(0, await victim.Exited());
    }

    [Fact]
    public async Task StoppedSilo_LeavesTheCluster_AndComesBack()
    {
        await using var cluster = await ClusterProcesses.Start(2);
        await cluster.Processes[1].Http.Create("stays");

        Assert.Equal(0, await cluster.Processes[1].Stop());

        await cluster.UntilActive(1);
        await cluster.Processes[0].Http.Encrypt("stays", [1]);
        await cluster.StartSilo();
        await cluster.UntilActive(2);
    }

    [Fact]
    public async Task ClusterThatDiedAsAWhole_ComesBack()
    {
        await using var cluster = await ClusterProcesses.Start(2);
        var (_, ciphertext) = await Created(cluster.Processes[0]);
        foreach (var silo in cluster.Processes) await silo.Kill();

        var again = await cluster.StartSilo(ClusterProcesses.WithGateway);

        Assert.Equal((byte[])[1, 2], Assert.Single(await again.Http.DecryptAll("kept", [ciphertext])).Plaintext);
    }

    [Fact]
    public async Task SiloWithoutGateway_ServesWhatOperatorsAsk_AndNothingElse()
    {
        await using var cluster = await ClusterProcesses.Prepare();
        var silo = await cluster.StartSilo(("OKMS_DASHBOARD", "true"));
        foreach (var path in (string[])["/health", "/health/live", "/health/ready"]) Assert.Equal(HttpStatusCode.OK, await StatusOf(silo, path));
        foreach (var path in (string[])["/docs", "/openapi/v1.json"]) Assert.Equal(HttpStatusCode.NotFound, await StatusOf(silo, path));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusOf(silo, "/metrics"));
        silo.SignIn(cluster.Token);
        await ClusterProcesses.Until(async () => await StatusOf(silo, "/metrics") == HttpStatusCode.OK ? true : throw new HttpRequestException());
        Assert.Equal(HttpStatusCode.OK, await StatusOf(silo, "/dashboard/"));
        foreach (var path in (string[])["/v1/keys", "/v1/keys/some", "/encrypt", "/"]) Assert.Equal(HttpStatusCode.NotFound, await StatusOf(silo, path));
    }

    [Fact]
    public async Task AnotherRootKey_IsRefused_ByItsPath()
    {
        await using var cluster = await ClusterProcesses.Prepare();
        using var elsewhere = new TemporaryDirectory();
        var silo = cluster.LaunchSilo(("OKMS_DATA_DIR", elsewhere.Of("empty")));
        await Refused(silo, elsewhere.Of("empty/root.key"));
        Assert.False(File.Exists(elsewhere.Of("empty/root.key")));
    }

    [Fact]
    public async Task NobodyDecidedAboutTheNetwork_IsRefused()
    {
        await using var cluster = ClusterProcesses.Empty(await Postgres.NewDatabase());
        await Refused(cluster.LaunchSilo(("OKMS_INSECURE_CLUSTER_NETWORK", "false")), "OKMS_TLS_CERT");
    }

    [Theory]
    [InlineData("OKMS_SILO_PORT")]
    [InlineData("OKMS_CLIENT_PORT")]
    public async Task PortInUse_IsRefusedByName(string setting)
    {
        await using var cluster = ClusterProcesses.Empty(await Postgres.NewDatabase());
        using var other = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port.ToString(System.Globalization.CultureInfo.InvariantCulture);
        await Refused(cluster.LaunchSilo((setting, port)), setting);
    }

    [Theory]
    [InlineData("OKMS_ADVERTISED_ADDRESS", "no-such-host.invalid")]
    [InlineData("OKMS_ADVERTISED_ADDRESS", "192.0.2.1")]
    [InlineData("OKMS_CLUSTER_BIND_ADDRESS", "192.0.2.1")]
    public async Task AddressThatIsNotThisMachines_IsRefusedByName(string setting, string value)
    {
        await using var cluster = ClusterProcesses.Empty(await Postgres.NewDatabase());
        await Refused(cluster.LaunchSilo((setting, value)), setting);
    }

    [Fact]
    public async Task AdvertisedName_IsResolved_AndAllAddressesAreListenedOn()
    {
        await using var cluster = await ClusterProcesses.Prepare(
            ("OKMS_ADVERTISED_ADDRESS", "localhost"), ("OKMS_CLUSTER_BIND_ADDRESS", "*"));
        await Task.WhenAll(cluster.StartSilo(), cluster.StartSilo());
        await cluster.UntilActive(2);
        Assert.Equal("127.0.0.1", await cluster.Scalar("SELECT DISTINCT address FROM okms_membership"));
    }

    [Fact]
    public async Task PostgresThatComesLater_IsWaitedFor()
    {
        await using var cluster = ClusterProcesses.Empty(await Postgres.NewDatabase());
        var port = ServiceProcess.FreePort();
        var silo = cluster.LaunchSilo(("DATABASE_URL", Postgres.Url(cluster.ConnectionString, port: port)), ("OKMS_START_TIMEOUT", "PT2M"));
        await silo.UntilSaid("waited for");

        await using var road = new PortForwarder(port, cluster.ConnectionString);

        await silo.UntilHealthy();
    }

    [Fact]
    public async Task ToldToStopWhileItWaitsForPostgres_IsACleanStop()
    {
        await using var cluster = ClusterProcesses.Empty(await Postgres.NewDatabase());
        var url = Postgres.Url(cluster.ConnectionString, port: ServiceProcess.FreePort());
        var silo = cluster.LaunchSilo(("DATABASE_URL", url), ("OKMS_START_TIMEOUT", "PT10M"));
        await silo.UntilSaid("waited for");

        Assert.Equal(0, await silo.Stop());
        Assert.Empty(silo.Errors);
    }

    [Theory]
    [InlineData("fsync")]
    [InlineData("full_page_writes")]
    public async Task PostgresThatMayLoseWhatItAcknowledged_IsRefused(string setting)
    {
        await using var server = await PostgresServer.Create();
        await server.Stop();
        await server.Start(setting + "=off");
        await using var cluster = ClusterProcesses.Empty(await Postgres.NewDatabase());
        await Refused(cluster.LaunchSilo(("DATABASE_URL", server.Url + "?sslmode=disable")), $"Postgres runs with {setting} off");
    }

    [Fact]
    public async Task WrongPassword_IsNotWaitedFor()
    {
        await using var cluster = ClusterProcesses.Empty(await Postgres.NewDatabase());
        var url = Postgres.Url(cluster.ConnectionString, password: "wr0ng");
        var silo = cluster.LaunchSilo(("DATABASE_URL", url), ("OKMS_START_TIMEOUT", "PT1H"));
        await Refused(silo, "Postgres cannot be reached");
        Assert.DoesNotContain("wr0ng", silo.ToString(), StringComparison.Ordinal);
    }

    private static async Task<(int Version, byte[] Ciphertext)> Created(ServiceProcess silo)
    {
        await silo.Http.Create("kept");
        return await silo.Http.Encrypt("kept", [1, 2]);
    }

    private static async Task<HttpStatusCode> StatusOf(ServiceProcess silo, string path)
    {
        using var answer = await silo.Http.GetAsync(path);
        return answer.StatusCode;
    }

    private static async Task Refused(ServiceProcess silo, string named)
    {
        Assert.Equal(StartGuard.Refused, await silo.Exited());
        Assert.Contains(named, Assert.Single(silo.Errors), StringComparison.Ordinal);
    }
}

using System.Net;
using OrleansKms.Gateway.Hosting;
using OrleansKms.Tests.Cluster.Faults;

namespace OrleansKms.Tests.Cluster.Processes;

/// <summary>The start of a silo of a cluster, as a process: what it waits for, and what it refuses.</summary>
public sealed class ClusterStartTests
{
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
        await silo.UntilSaid("Waiting for Postgres");
        await AnswersWhileItWaits(silo);

        await using var road = new PortForwarder(port, cluster.ConnectionString);

        await silo.UntilHealthy();
    }

    private static async Task AnswersWhileItWaits(ServiceProcess silo)
    {
        using var live = await silo.Http.GetAsync("/health/live");
        Assert.Equal(HttpStatusCode.OK, live.StatusCode);
        foreach (var path in (string[])["/health/ready", "/health"])
        {
            using var health = await silo.Http.GetAsync(path);
            Assert.Equal(HttpStatusCode.ServiceUnavailable, health.StatusCode);
            Assert.NotNull(health.Headers.RetryAfter);
            Assert.Contains("waits for the database", await health.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }

        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/keys");
        request.Headers.Authorization = new("Bearer", new string('t', 40));
        using var answer = await silo.Http.SendAsync(request);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.NotNull(answer.Headers.RetryAfter);
        Assert.Contains("\"unavailable\"", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ToldToStopWhileItWaitsForPostgres_IsACleanStop()
    {
        await using var cluster = ClusterProcesses.Empty(await Postgres.NewDatabase());
        var url = Postgres.Url(cluster.ConnectionString, port: ServiceProcess.FreePort());
        var silo = cluster.LaunchSilo(("DATABASE_URL", url), ("OKMS_START_TIMEOUT", "PT10M"));
        await silo.UntilSaid("Waiting for Postgres");

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

    private static async Task Refused(ServiceProcess silo, string named)
    {
        Assert.Equal(StartGuard.Refused, await silo.Exited());
        Assert.Contains(named, Assert.Single(silo.Errors), StringComparison.Ordinal);
    }
}

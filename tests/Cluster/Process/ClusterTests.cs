using System.Net;
using OrleansKms.Gateway.Hosting;

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
    public async Task StoppedSilo_LeavesTheCluster_AndComesBack()
    {
        await using var cluster = await ClusterProcesses.Start(2);
        await cluster.Processes[1].Http.Create("stays");

        Assert.Equal(0, await cluster.Processes[1].Stop());

        await cluster.UntilActive(1);
        await ClusterProcesses.Until(() => cluster.Processes[0].Http.Encrypt("stays", [1]));
        await cluster.StartSilo();
        await cluster.UntilActive(2);
    }

    [Fact]
    public async Task SiloWithoutGateway_ServesWhatOperatorsAsk_AndNothingElse()
    {
        await using var cluster = await ClusterProcesses.Prepare();
        using var directory = new TemporaryDirectory();
        var file = directory.Of("metrics.token");
        var (code, output, errors) = await cluster.Command("create-metrics-token", file);
        Assert.True(code == 0, errors);
        var token = (await File.ReadAllTextAsync(file)).Trim();
        Assert.DoesNotContain(token, output + errors, StringComparison.Ordinal);
        Assert.Equal(StartGuard.Refused, (await cluster.Command("create-metrics-token", file)).Code);
        var silo = await cluster.StartSilo(("OKMS_DASHBOARD", "true"), ("OKMS_METRICS_TOKEN_FILE", file));
        foreach (var path in (string[])["/health", "/health/live", "/health/ready"]) Assert.Equal(HttpStatusCode.OK, await StatusOf(silo, path));
        foreach (var path in (string[])["/docs", "/openapi/v1.json"]) Assert.Equal(HttpStatusCode.NotFound, await StatusOf(silo, path));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusOf(silo, "/metrics"));
        silo.SignIn(token);
        Assert.Equal(HttpStatusCode.OK, await StatusOf(silo, "/metrics"));
        await StartAllocations.AreFew(silo);
        silo.SignIn(cluster.Token);
        await ClusterProcesses.Until(async () => await StatusOf(silo, "/metrics") == HttpStatusCode.OK ? true : throw new HttpRequestException());
        Assert.Equal(HttpStatusCode.OK, await StatusOf(silo, "/dashboard/"));
        foreach (var path in (string[])["/v1/keys", "/v1/keys/some", "/encrypt", "/"]) Assert.Equal(HttpStatusCode.NotFound, await StatusOf(silo, path));
    }

    private static async Task<HttpStatusCode> StatusOf(ServiceProcess silo, string path)
    {
        using var answer = await silo.Http.GetAsync(path);
        return answer.StatusCode;
    }
}

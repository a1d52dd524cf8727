using System.Collections.Concurrent;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using OrleansKms.Grains.Audit.Trail;
using OrleansKms.Grains.Audit.Transparency;
using OrleansKms.Tests.Cluster.Audit;

namespace OrleansKms.Tests.Cluster.Processes;

/// <summary>
/// What SIGTERM keeps that a kill does not, under load: every request, the exact counters and the whole trail. Here all in one; gateways and
/// silos are stopped under load by the faults' rolling restart.
/// </summary>
public sealed class GracefulStopTests
{
    private const int Clients = 8;
    private const string Id = "counted";

    [Fact]
    public async Task StoppedUnderLoad_NoRequestFails_CountersAreExact_AndTheTrailIsWholeAndSigned()
    {
        using var directory = new TemporaryDirectory();
        var answered = new ConcurrentBag<string>();
        long first, before;
        await using (var service = await ServiceProcess.Start(directory.Path, ("OKMS_DRAIN_DELAY", "PT5S")))
        {
            await service.Http.Create(Id);
            for (first = 0; first < 37; first++) await Encrypt(service, answered);
            await service.Http.Rotate(Id);
            using var unready = new CancellationTokenSource();
            var clients = Enumerable.Range(0, Clients).Select(_ => EncryptUntil(service, answered, unready.Token)).ToList();
            await Until(() => answered.Count > 500);
            before = answered.Count;
            service.Terminate();

            // As a load balancer does, which sends nothing where a gateway is not ready.
            while (await IsReady(service)) await Task.Delay(10);
            await unready.CancelAsync();
            await Task.WhenAll(clients);
            Assert.Equal(0, await service.Exited());
            Assert.Empty(service.Errors);
        }

        Assert.InRange(answered.Count, before, int.MaxValue);
        var (code, output, errors) = await ServiceProcess.Command(directory.Path, ["audit", "verify", "--database"], []);
        Assert.True(code == 0, output + errors);
        RequireSigned(directory.Of("okms-data"));
        var recorded = AuditRecords.In(directory.Of("okms-data"))
            .Where(record => record.GetProperty("action").GetString() == "keys:encrypt")
            .Select(record => (record.GetProperty("outcome").GetString(), record.GetProperty("request_id").GetString()));
        Assert.Equal(answered.Order(StringComparer.Ordinal), recorded.Select(record => record is ("ok", { } id) ? id : $"{record}").Order(StringComparer.Ordinal));

        await using var again = await ServiceProcess.Start(directory.Path);
        var description = await again.Http.Describe(Id);
        Assert.Equal(answered.Count, description["uses"]!["encrypt"]!.GetValue<long>());
        Assert.Equal([(1, first), (2, answered.Count - first)], description["versions"]!.AsArray().Select(UsesOf).Order());
    }

    /// <summary>The last checkpoint covers every record, and none is left in the file of the last moment.</summary>
    private static void RequireSigned(string dataDirectory)
    {
        var folder = Assert.Single(TrailFolder.In(Path.Combine(dataDirectory, "audit")));
        Assert.Equal(AuditRecords.In(dataDirectory).Count(), Checkpoint.Parse(folder.ReadHead()!.Text)!.Size);
        Assert.False(File.Exists(folder.PendingPath));
    }

    private static (int Version, long Uses) UsesOf(JsonNode? version) =>
        (version!["version"]!.GetValue<int>(), version["uses"]!.GetValue<long>());

    private static async Task EncryptUntil(ServiceProcess service, ConcurrentBag<string> answered, CancellationToken unready)
    {
        while (!unready.IsCancellationRequested) await Encrypt(service, answered);
    }

    private static async Task Encrypt(ServiceProcess service, ConcurrentBag<string> answered)
    {
        var id = Guid.NewGuid().ToString("N");
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/v1/keys/{Id}/encrypt") { Content = JsonContent.Create(new { plaintext = "AAAA" }) };
        request.Headers.Add("X-Request-Id", id);
        using var answer = await service.Http.SendAsync(request);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        answered.Add(id);
    }

    private static async Task<bool> IsReady(ServiceProcess service)
    {
        using var answer = await service.Http.GetAsync("/health/ready");
        return answer.IsSuccessStatusCode;
    }

    private static async Task Until(Func<bool> isSo)
    {
        using var patience = new CancellationTokenSource(ServiceProcess.Patience);
        while (!isSo())
        {
            Assert.False(patience.IsCancellationRequested);
            await Task.Delay(10);
        }
    }
}

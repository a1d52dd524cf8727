using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using OrleansKms.Tests.Cluster.Keys;
using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Cluster.Gateways;

/// <summary>Keys used through a gateway, while their silo is not there yet, is there, goes, and comes back.</summary>
public sealed class GatewayAndSilosTests
{
    private readonly string _clusterId = Guid.NewGuid().ToString("N");
    private readonly int _port = ServiceProcess.FreePort();

    [Fact]
    public async Task Silos_ComeAndGo_AndTheGatewayStays()
    {
        using var directory = new TemporaryDirectory();
        await using var gateway = await TestGateway.Start(_clusterId, _port);
        var http = gateway.Http;
        await Unavailable(http);

        byte[] ciphertext;
        await using (await Silo(directory))
        {
            await gateway.Link.Connected.WaitAsync(ServiceProcess.Patience);
            using var patience = new CancellationTokenSource(ServiceProcess.Patience);
            while (await Status(http, "/health/ready") != HttpStatusCode.OK) await Task.Delay(50, patience.Token);
            await http.Create("kept");
            (_, ciphertext) = await http.Encrypt("kept", [1, 2, 3]);
            Assert.Equal([1, 2, 3], (await http.DecryptAll("kept", [ciphertext])).Single().Plaintext);
        }

        await gateway.Link.Lost.WaitAsync(ServiceProcess.Patience);
        await Unavailable(http);

        await using (await Silo(directory))
        {
            await gateway.Link.Connected.WaitAsync(ServiceProcess.Patience);
            Assert.Equal([1, 2, 3], (await http.DecryptAll("kept", [ciphertext])).Single().Plaintext);
            Assert.Equal(1, (await http.Describe("kept"))["primary_version"]!.GetValue<int>());
        }
    }

    [Fact]
    public async Task Stopped_WhileItWaitsForACluster_EndsAtOnce()
    {
        await using var gateway = await TestGateway.Start(_clusterId, _port);
        await Unavailable(gateway.Http);
    }

    private Task<TestSilo> Silo(TemporaryDirectory directory) =>
        TestSilo.Start(new() { DataDirectory = directory.Path }, clusterId: _clusterId, clientPort: _port);

    /// <summary>Whatever is asked, it is answered: 503 and when to come again, never 500 or 504.</summary>
    private static async Task Unavailable(HttpClient http)
    {
        foreach (var path in (string[])["/v1/keys", "/v1/keys/kept", "/v1/keys/alias:a", "/v1/aliases/a"])
        {
            await Unavailable(await http.GetAsync(path));
        }

        await Unavailable(await http.PostAsJsonAsync("/v1/keys/kept/encrypt", new { plaintext = "AQ==" }));
        await Unavailable(await http.PostAsJsonAsync("/v1/keys/validate", new { ids = new[] { "kept" } }));
        await Unavailable(await http.PostAsJsonAsync("/v1/random", new { bytes = 1 }));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await Status(http, "/health/ready"));
        Assert.Equal(HttpStatusCode.OK, await Status(http, "/health/live"));
        Assert.Equal(HttpStatusCode.OK, await Status(http, "/metrics"));
        Assert.Equal(HttpStatusCode.OK, await Status(http, "/openapi/v1.json"));
        using var health = await http.GetAsync("/health");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, health.StatusCode);
        Assert.Equal("unhealthy", JsonNode.Parse(await health.Content.ReadAsStringAsync())!["checks"]!["cluster"]!.GetValue<string>());
    }

    private static async Task Unavailable(HttpResponseMessage answer)
    {
        using (answer)
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
            Assert.NotNull(answer.Headers.RetryAfter);
            Assert.Equal("unavailable", JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["code"]!.GetValue<string>());
        }
    }

    private static async Task<HttpStatusCode> Status(HttpClient http, string path)
    {
        using var answer = await http.GetAsync(path);
        return answer.StatusCode;
    }
}

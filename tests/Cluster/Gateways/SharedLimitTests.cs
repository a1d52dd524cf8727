using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using OrleansKms.Gateway.Limits;
using OrleansKms.Grains.Access;
using OrleansKms.Tests.Cluster.Keys;
using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Cluster.Gateways;

/// <summary>The limit of a namespace and of a principal over three gateways and HTTP, on a clock that the test moves.</summary>
public sealed class SharedLimitTests
{
    private const int Limit = 600;
    private static readonly TimeSpan _minute = TimeSpan.FromMinutes(1);

    [Theory]
    [InlineData("namespace")]
    [InlineData("principal")]
    public async Task Requests_OverThreeGatewaysInAMinute_AreTheLimitWithinFivePercent(string whose)
    {
        var time = new FakeTimeProvider(new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
        var folder = Directory.CreateTempSubdirectory("okms-shared-");
        var (clusterId, port) = (Guid.NewGuid().ToString("N"), ServiceProcess.FreePort());
        await using (var silo = await TestSilo.Start(
            new() { DataDirectory = folder.FullName }, time: time, clusterId: clusterId, clientPort: port,
            services: services => services.AddSingleton<IAdministrators, Anybody>()))
        {
            await silo.Create("shared.key");
            if (whose == "namespace") await silo.Grains.GetGrain<INamespaceLimitsGrain>(INamespaceLimitsGrain.Key).Set(new(TestSilo.Caller, "shared", null) { Limits = [new(Limit, _minute)] });
            var gateways = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Gateway(clusterId, port, time, whose == "namespace")));
            try
            {
                if (whose == "principal") await SignIn(gateways);
                // Twice as many as may be, unevenly and over the minute.
                var answers = new List<HttpStatusCode>();
                for (var i = 0; i < 2 * Limit; i++)
                {
                    using var answer = await gateways[i % 7 % 3].Http.PostAsJsonAsync("/v1/keys/shared.key/encrypt", new { plaintext = "AQ==" });
                    answers.Add(answer.StatusCode);
                    time.Advance(_minute / (2 * Limit) * 0.99);
                }

                Assert.InRange(answers.Count(status => status == HttpStatusCode.OK), 0.95 * Limit, Limit);
                Assert.All(answers, status => Assert.True(status is HttpStatusCode.OK or HttpStatusCode.TooManyRequests, $"{status}"));
            }
            finally
            {
                foreach (var gateway in gateways) await gateway.DisposeAsync();
            }
        }

        folder.Delete(recursive: true);
    }

    /// <summary>Makes a principal with the limit, and has every gateway's client be it.</summary>
    private static async Task SignIn(TestGateway[] gateways)
    {
        await gateways[0].Http.Post("/v1/principals", new()
        {
            ["name"] = "shared",
            ["policies"] = new JsonArray("key-user"),
            ["limits"] = new JsonArray(new JsonObject { ["count"] = Limit, ["per"] = "PT1M" }),
        });
        var token = (string)(await gateways[0].Http.Post("/v1/principals/shared/tokens"))["token"]!;
        foreach (var gateway in gateways)
        {
            gateway.Http.DefaultRequestHeaders.Authorization = new("Bearer", token);
            await ClusterProcesses.Until(() => gateway.Http.Send(HttpMethod.Get, "/v1/whoami"));
        }
    }

    private static async Task<TestGateway> Gateway(string clusterId, int port, FakeTimeProvider time, bool isOfNamespace)
    {
        WebApplication? app = null;
        var gateway = await TestGateway.Start(clusterId, port, map: made => app = made, services: services => services.AddSingleton<TimeProvider>(time));
        await gateway.Link.Connected;
        var namespaces = app!.Services.GetRequiredService<NamespaceRules>();
        while (isOfNamespace && namespaces.IsEmpty) await namespaces.Fetch(CancellationToken.None);
        return gateway;
    }

    private sealed class Anybody : IAdministrators
    {
        public ValueTask Require(AdministratorProof? proof, KmsOperation operation) => default;
    }
}

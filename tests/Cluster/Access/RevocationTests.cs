using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using OrleansKms.Gateway.Access;
using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Cluster.Access;

/// <summary>Three silos and two gateways under load: what one gateway revokes, the other refuses within the bound that is promised.</summary>
public sealed class RevocationTests
{
    [Fact]
    public async Task TokenAndPrincipal_RevokedByOneGateway_AreRefusedByTheOther_UnderLoad()
    {
        await using var cluster = await ClusterProcesses.Prepare();
        await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => cluster.StartSilo()));
        using var directory = new TemporaryDirectory();
        await using var first = Gateway(directory, cluster);
        await using var second = Gateway(directory, cluster);
        await first.UntilHealthy();
        await second.UntilHealthy();
        await ClusterProcesses.Until(() => first.Http.Create("loaded"));
        using var over = new CancellationTokenSource();
        var load = Load(second, over.Token);

        await first.Http.Post("/v1/principals", new() { ["name"] = "ci", ["policies"] = new JsonArray("key-user") });
        await Revoked(first, second, token => first.Http.DeleteAsync($"/v1/principals/ci/tokens/{token["id"]}"));
        await Revoked(first, second, _ => first.Http.PostAsync("/v1/principals/ci/disable", null));
        await first.Http.Post("/v1/principals/ci/enable");
        await Revoked(first, second, _ => first.Http.DeleteAsync("/v1/principals/ci"));

        await over.CancelAsync();
        Assert.True(await load > 0);
    }

    private static ServiceProcess Gateway(TemporaryDirectory directory, ClusterProcesses cluster)
    {
        var gateway = ServiceProcess.LaunchGateway(
            directory.Path, port: null, ("DATABASE_URL", cluster.DatabaseUrl), ("OKMS_INSECURE_CLUSTER_NETWORK", "true"));
        gateway.SignIn(cluster.Token);
        return gateway;
    }

    /// <summary>Makes a token that both gateways know, ends it by one, and waits until the other has heard of it.</summary>
    private static async Task Revoked(ServiceProcess first, ServiceProcess second, Func<JsonObject, Task<HttpResponseMessage>> revoke)
    {
        var token = await first.Http.Post("/v1/principals/ci/tokens");
        var text = (string)token["token"]!;
        foreach (var gateway in (ServiceProcess[])[first, second])
        {
            while (await WhoAmI(gateway, text) != HttpStatusCode.OK)
            {
                // A principal that was just enabled is known everywhere within the same bound.
            }
        }

        using var answer = await revoke(token);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        // The gateway that has made the change knows it before it answers.
        Assert.Equal(HttpStatusCode.Unauthorized, await WhoAmI(first, text));
        // Many times the bound, since the machine may be slow; that the bound itself is kept shows where the clock is the test's.
        using var patience = new CancellationTokenSource(10 * KnownPrincipals.RevokedWithin);
        while (await WhoAmI(second, text) != HttpStatusCode.Unauthorized) Assert.False(patience.IsCancellationRequested);
    }

    private static async Task<HttpStatusCode> WhoAmI(ServiceProcess gateway, string token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/whoami");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using var answer = await gateway.Http.SendAsync(request);
        return answer.StatusCode;
    }

    private static async Task<int> Load(ServiceProcess gateway, CancellationToken over)
    {
        var done = 0;
        await Task.WhenAll(Enumerable.Range(0, 4).Select(async _ =>
        {
            while (!over.IsCancellationRequested)
            {
                await gateway.Http.Encrypt("loaded", [1, 2, 3]);
                Interlocked.Increment(ref done);
            }
        }));
        return done;
    }
}

using System.Net;
using OrleansKms.Tests.Cluster.Processes;
using Xunit.Abstractions;

namespace OrleansKms.Tests.Cluster.Faults;

/// <summary>
/// A cluster is hurt while clients use it. Whatever happens, nothing that was acknowledged is lost or contradicted, and the
/// cluster serves again by itself.
/// </summary>
[Trait("Category", "Faults")]
[Collection(Alone.Name)]
public sealed class FaultTests(FaultCluster cluster, ITestOutputHelper log) : IClassFixture<FaultCluster>, IAsyncLifetime
{
    public Task InitializeAsync() => cluster.Repair();

    public Task DisposeAsync()
    {
        foreach (var complaint in cluster.Complaints())
        {
            log.WriteLine(complaint);
        }

        return Task.CompletedTask;
    }

    /// <summary>Nothing is hurt here: this is where gateways of their own reach silos by certificates.</summary>
    [Fact]
    public async Task VersionThatIsToBeDestroyed_ThroughEachGateway_ComesBackDisabled_OrGoes()
    {
        await using var balancer = cluster.BeforeGateways();
        foreach (var (http, id) in balancer.All.Select((http, i) => (http, $"ending.{i}")))
        {
            await http.Create(id);
            var (_, ciphertext) = await http.Encrypt(id, [1, 2, 3]);
            await http.Rotate(id);
            Assert.Equal("pending_destruction", StateOfFirst(await http.Change(id, "versions/1/destroy")));
            Assert.Equal("version_not_usable", (await http.DecryptAll(id, [ciphertext])).Single().Error);

            Assert.Equal("disabled", StateOfFirst(await http.Change(id, "versions/1/cancel-destroy")));
            await http.Change(id, "versions/1/enable");
            Assert.Equal([1, 2, 3], (await http.DecryptAll(id, [ciphertext])).Single().Plaintext);

            await http.DestroyVersion(id, 1);
            Assert.Equal("version_not_usable", (await http.DecryptAll(id, [ciphertext])).Single().Error);
        }

        static string StateOfFirst(System.Text.Json.Nodes.JsonObject key) => key["versions"]![0]!["state"]!.GetValue<string>();
    }

    [Fact]
    public async Task SiloKilled_ItsKeysAnswerFromTheOthers()
    {
        await using var balancer = cluster.BeforeGateways();
        using var load = await Begin(balancer, "kill");
        await load.UntilProgress(500);
        await cluster.Silos[1].Kill();
        await load.UntilProgress(1000);
        cluster.Silos[1].Launch();
        await cluster.UntilWhole();
        await load.UntilProgress(500);
        await End(load);
    }

    [Fact]
    public async Task RollingRestart_FailsNoRequest_AndLosesNoRecord()
    {
        await using var balancer = cluster.BeforeGateways();
        await balancer.UntilReady(2);
        using var load = await Begin(balancer, "roll");
        await load.UntilProgress(200);
        foreach (var silo in cluster.Silos)
        {
            await silo.Restart();
            await load.UntilProgress(100);
        }

        foreach (var gateway in cluster.Gateways)
        {
            await gateway.Restart();
            await balancer.UntilReady(2);
            await load.UntilProgress(100);
        }

        await End(load);
        Assert.Empty(load.Failures);
        await cluster.RequireRecords("keys:encrypt", load.Encryptions);
    }

    [Fact]
    public async Task PostgresStoppedForAMinute_KeysInMemoryGoOn_AndAllComesBack()
    {
        await using var balancer = cluster.BeforeGateways();
        var http = balancer.Next();
        await http.Create("outage.active");
        await http.Create("outage.changed");
        var (_, ciphertext) = await http.Encrypt("outage.active", [1, 2, 3]);
        using var load = await Begin(balancer, "outage");
        await load.UntilProgress(200);

        await cluster.Postgres.Stop();
        using (var outage = new CancellationTokenSource(TimeSpan.FromSeconds(60)))
        {
            for (var i = 0; !outage.IsCancellationRequested; i++)
            {
                // Active keys decrypt, and encrypt while their lease lasts; what changes something says that the database is away.
                var (plaintext, error) = (await http.DecryptAll("outage.active", [ciphertext]))[0];
                Assert.True(error is null && plaintext is [1, 2, 3], error);
                if (i < 400)
                {
                    await http.Encrypt("outage.active", [4]);
                }

                // Of another key: one whose change broke off with its connection must be read before it is used again.
                var refusal = await Assert.ThrowsAsync<UnexpectedAnswerException>(() => http.Change("outage.changed", "disable"));
                Assert.Equal(("storage_unavailable", 503), (refusal.Code, refusal.Status));
            }

            using var ready = await http.GetAsync("/health/ready");
            Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
        }

        await cluster.Postgres.Start();
        await cluster.UntilWhole();
        await load.UntilProgress(300);
        await End(load);
    }

    [Fact]
    public async Task PostgresKilledInTheMiddleOfWrites_LosesNothing()
    {
        await using var balancer = cluster.BeforeGateways();
        using var load = await Begin(balancer, "crash");
        for (var round = 0; round < 3; round++)
        {
            await load.UntilProgress(200);
            await cluster.Postgres.Kill();
            await cluster.Postgres.Start();
            await load.UntilProgress(200);
        }

        await cluster.UntilWhole();
        await End(load);
    }

    [Fact]
    public async Task SiloFrozenAndWoken_ServesNoStaleKey()
    {
        await using var balancer = cluster.BeforeGateways();
        var http = balancer.Next();
        var ids = Enumerable.Range(0, 60).Select(i => $"frozen.k{i}").ToList();
        var ciphertexts = new Dictionary<string, byte[]>();
        foreach (var id in ids)
        {
            await http.Create(id);
            ciphertexts[id] = (await http.Encrypt(id, [7])).Ciphertext;
        }

        using var load = await Begin(balancer, "frozen");
        await load.UntilProgress(200);

        // A silo hands on what has reached it, also when it wakes: a change that nobody was answered may be made as late as that.
        await load.OnlyUse();
        var victim = cluster.Silos[2];
        victim.Process.Freeze();

        // Each key is disabled through the others, the victim's own as soon as the cluster has given it up.
        foreach (var id in ids)
        {
            await UntilDisabled(balancer, id);
        }

        await load.UntilProgress(300);
        victim.Process.Thaw();
        using var direct = cluster.ClientOf(victim);
        await Parallel.ForEachAsync(ids, async (id, _) => await NeverDecrypts(direct, id, ciphertexts[id]));

        // It has learnt that it was given up, and ended. A supervisor would start it again.
        await victim.Process.Exited();
        load.ChangeToo();
        victim.Launch();
        await cluster.UntilWhole();
        await load.UntilProgress(300);
        await End(load);
    }

    private static async Task UntilDisabled(Balancer balancer, string id)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (true)
        {
            try
            {
                await balancer.Next().Change(id, "disable");
                return;
            }
            catch (UnexpectedAnswerException e) when (e.Status >= 500 || e.Code == "conflict")
            {
                await Task.Delay(100, patience.Token);
            }
        }
    }

    /// <summary>Asks again and again, also while the process finds out what has happened to it.</summary>
    private static async Task NeverDecrypts(HttpClient silo, string id, byte[] ciphertext)
    {
        for (var i = 0; i < 20; i++)
        {
            try
            {
                var body = new System.Text.Json.Nodes.JsonObject { ["ciphertext"] = Convert.ToBase64String(ciphertext) };
                await silo.Post($"/v1/keys/{id}/decrypt", body);
                Assert.Fail($"{id} was decrypted after it had been disabled.");
            }
            catch (UnexpectedAnswerException e) when (e.Code is "key_disabled" || e.Status >= 500)
            {
                // Refused, as it must be, or not served at all.
            }
            catch (HttpRequestException)
            {
                return;
            }
        }
    }

    private async Task<ClusterLoad> Begin(Balancer balancer, string prefix)
    {
        var seed = Random.Shared.Next();
        log.WriteLine($"seed {seed}");
        await balancer.UntilReady(1);
        var load = new ClusterLoad(balancer, prefix, seed);
        await load.Start();
        return load;
    }

    private async Task End(ClusterLoad load)
    {
        await load.StopAndVerify();
        log.WriteLine($"{load.Acknowledged} acknowledged, {load.Failures.Count} failed");
        foreach (var failure in load.Failures.Take(20))
        {
            log.WriteLine(failure);
        }
    }
}

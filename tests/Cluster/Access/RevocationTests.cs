using System.Diagnostics;
using System.Text.Json.Nodes;
using OrleansKms.Gateway.Access;
using OrleansKms.Tests.Cluster.Gateways;
using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Cluster.Access;

/// <summary>
/// Three silos and two gateways: what one gateway revokes is let through by none, once the promised bound has passed since the revocation
/// was acknowledged. What counts is when a request was sent: a machine that stalls for a while proves nothing.
/// </summary>
[Collection(TwoGatewaysCollection.Name)]
public sealed class RevocationTests(TwoGateways gateways)
{
    private const string Key = "revocation.key";

    private static readonly TimeSpan _look = TimeSpan.FromMilliseconds(400);

    [Fact]
    public async Task WhateverIsRevokedByOneGateway_IsLetThroughByNone_AfterTheBound_UnderLoad()
    {
        await gateways.First.Http.Create(Key);
        using var over = new CancellationTokenSource();
        var load = new[] { gateways.First, gateways.Second }.Select(gateway => Load(gateway, over.Token)).ToList();

        await Task.WhenAll(
            IsRevoked("token", 401, (name, token) => gateways.First.Http.DeleteAsync($"/v1/principals/{name}/tokens/{token["id"]}")),
            IsRevoked("disabled", 401, (name, _) => gateways.First.Http.PostAsync($"/v1/principals/{name}/disable", null)),
            IsRevoked("removed", 401, (name, _) => gateways.First.Http.DeleteAsync($"/v1/principals/{name}")),
            IsRevoked("narrowed", 403, (name, _) => PutPolicy(name, "other.*")),
            IsRevoked("denied", 403, (name, _) => PutPolicy(name, "*", "deny")),
            IsRevoked("deleted", 403, async (name, _) =>
            {
                // A policy that somebody has is not deleted, so it is taken away first.
                await gateways.First.Http.Send(HttpMethod.Patch, $"/v1/principals/{name}", new() { ["policies"] = new JsonArray("auditor") });
                return await gateways.First.Http.DeleteAsync($"/v1/policies/{name}");
            }));

        await over.CancelAsync();
        foreach (var done in await Task.WhenAll(load)) Assert.True(done > 0);
    }

    [Fact]
    public async Task GatewayThatStoodStill_LetsNothingThroughOnWhatItKnewBefore()
    {
        var token = await gateways.SignUp("stood-still", "key-user");
        var text = (string)token["token"]!;
        await UntilKnown(gateways.Second, text);
        gateways.Second.Freeze();
        try
        {
            using var revoked = await gateways.First.Http.DeleteAsync($"/v1/principals/stood-still/tokens/{token["id"]}");
            revoked.EnsureSuccessStatusCode();
            var since = Stopwatch.StartNew();
            while (since.Elapsed <= KnownPrincipals.RevokedWithin) await gateways.First.Http.GetAsync("/health/live");
            var answers = Enumerable.Range(0, 8).Select(_ => WhoAmI(gateways.Second, text)).ToList();
            gateways.Second.Thaw();
            foreach (var status in await Task.WhenAll(answers)) Assert.NotEqual(200, status);
        }
        finally
        {
            gateways.Second.Thaw();
        }

        await UntilKnown(gateways.Second, (string)(await gateways.SignUp("goes-on", "key-user"))["token"]!);
    }

    /// <summary>The gateway in a silo can ask no other silo what has changed but the one that makes the changes.</summary>
    [Fact]
    public async Task SiloThatLosesItsDatabase_LetsNothingThroughThatIsRevokedSince_AfterTheBound()
    {
        var token = await gateways.SignUp("without-database", "key-user");
        var text = (string)token["token"]!;
        var port = ServiceProcess.FreePort();
        var way = new PortForwarder(port, gateways.ConnectionString);
        var silo = await gateways.StartSilo(ClusterProcesses.WithGateway, ("DATABASE_URL", Postgres.Url(gateways.ConnectionString, port: port)));
        await UntilKnown(silo, text);
        await way.DisposeAsync();
        Assert.Equal(200, await WhoAmI(silo, text));
        using (var revoked = await gateways.First.Http.DeleteAsync($"/v1/principals/without-database/tokens/{token["id"]}")) revoked.EnsureSuccessStatusCode();
        var since = Stopwatch.StartNew();
        while (since.Elapsed <= KnownPrincipals.RevokedWithin) await gateways.First.Http.GetAsync("/health/live");
        Assert.NotEqual(200, await WhoAmI(silo, text));
        await silo.Kill();
    }

    /// <summary>Makes a principal that uses a key by both gateways without a pause, takes its right away, and looks at all answers.</summary>
    private async Task IsRevoked(string how, int refusal, Func<string, JsonObject, Task<HttpResponseMessage>> revoke)
    {
        var name = "revoked-" + how;
        using (var made = await PutPolicy(name, Key)) made.EnsureSuccessStatusCode();
        var token = await gateways.SignUp(name, name);
        var text = (string)token["token"]!;
        var begun = Stopwatch.StartNew();
        var acknowledged = new TaskCompletionSource<TimeSpan>(TaskCreationOptions.RunContinuationsAsynchronously);
        foreach (var gateway in (ServiceProcess[])[gateways.First, gateways.Second]) await UntilKnown(gateway, text);
        var users = new[] { gateways.First, gateways.Second }.Select(gateway => new User(gateway, text, begun, acknowledged.Task)).ToList();
        var answers = users.Select(user => user.Use(refusal)).ToList();
        foreach (var user in users) await user.LetThrough.WaitAsync(ServiceProcess.Patience);

        using (var answer = await revoke(name, token))
        {
            Assert.True(answer.IsSuccessStatusCode, $"{how}: {await answer.Content.ReadAsStringAsync()}");
            acknowledged.SetResult(begun.Elapsed);
        }

        foreach (var lastSent in await Task.WhenAll(answers))
        {
            Assert.True(lastSent <= await acknowledged.Task + KnownPrincipals.RevokedWithin, $"{how}: sent {lastSent - await acknowledged.Task} after the revocation, and let through");
        }
    }

    private Task<HttpResponseMessage> PutPolicy(string name, string keys, string effect = "allow") => gateways.First.Http.PutAsync(
        $"/v1/policies/{name}",
        new StringContent($$"""{"statements":[{"effect":"{{effect}}","actions":["use"],"keys":["{{keys}}"]}]}""", System.Text.Encoding.UTF8, "application/json"));

    private static async Task UntilKnown(ServiceProcess gateway, string token)
    {
        using var patience = new CancellationTokenSource(ServiceProcess.Patience);
        while (await WhoAmI(gateway, token) != 200) await Task.Delay(_look, patience.Token);
    }

    private static async Task<int> WhoAmI(ServiceProcess gateway, string token) =>
        (await TwoGateways.Send(gateway, token, HttpMethod.Get, "/v1/whoami")).Status;

    private static async Task<int> Load(ServiceProcess gateway, CancellationToken over)
    {
        var done = 0;
        await Task.WhenAll(Enumerable.Range(0, 4).Select(async _ =>
        {
            while (!over.IsCancellationRequested)
            {
                await gateway.Http.Encrypt(Key, [1, 2, 3]);
                Interlocked.Increment(ref done);
            }
        }));
        return done;
    }

    /// <summary>Uses the key by one gateway without a pause, and looks when its revocation was acknowledged.</summary>
    private sealed class User(ServiceProcess gateway, string token, Stopwatch clock, Task<TimeSpan> acknowledged)
    {
        private readonly TaskCompletionSource _letThrough = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Ends with the first request that is let through: only from then on is there something to revoke.</summary>
        public Task LetThrough => _letThrough.Task;

        /// <summary>Uses the key until a request is refused that was sent after the bound.</summary>
        /// <returns>When the last request that was let through was sent.</returns>
        public async Task<TimeSpan> Use(int refusal)
        {
            var lastSent = TimeSpan.Zero;
            using var patience = new CancellationTokenSource(ServiceProcess.Patience);
            while (true)
            {
                var sent = clock.Elapsed;
                var (status, _, _) = await TwoGateways.Send(gateway, token, HttpMethod.Post, $"/v1/keys/{Key}/encrypt", new JsonObject { ["plaintext"] = "AQID" });
                if (status == 200)
                {
                    lastSent = sent;
                    _letThrough.TrySetResult();
                    continue;
                }

                // 429: too many of these tests' refused sign-ins came from this machine, and it was not looked at.
                var isAfter = acknowledged.IsCompletedSuccessfully && sent > await acknowledged + KnownPrincipals.RevokedWithin;
                if (isAfter && (status == refusal || (refusal == 401 && status == 429))) return lastSent;
                await Task.Delay(_look, patience.Token);
            }
        }
    }
}

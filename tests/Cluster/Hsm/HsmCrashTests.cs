using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using OrleansKms.Tests.Cluster.Faults;
using OrleansKms.Tests.Cluster.Processes;
using Xunit.Abstractions;

namespace OrleansKms.Tests.Cluster.Hsms;

/// <summary>kill -9 between the HSM and the database, at random, with keys that live in the HSM.</summary>
[Trait("Category", "Faults")]
[Collection(Alone.Name)]
public sealed class HsmCrashTests(ITestOutputHelper log) : IDisposable
{
    private const int Rounds = 4;

    private readonly SoftHsm _hsm = new();
    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public async Task KilledUnderLoad_LosesNothingThatWasAcknowledged_AndOrphansAreOnlyWhatWasNot()
    {
        var seed = Random.Shared.Next();
        log.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var load = new CrashLoad(seed, "hsm");
        var environment = _hsm.Environment(
            ("OKMS_HSM_CREATE_ROOT", "true"), ("OKMS_REQUEST_LOG", "false"), ("OKMS_HSM_TIMEOUT", "PT30S"), ("OKMS_REQUEST_TIMEOUT", "PT1M"));
        var signing = new SigningLoad();
        var unacknowledged = 0;
        for (var round = 1; round <= Rounds; round++)
        {
            await using (var service = await ServiceProcess.Start(_directory.Path, environment))
            {
                if (round == 1) await load.CreateSharedKeys(service.Http);
                var signers = signing.Run(service.Http, round);
                await load.RunUntilKilled(service, acknowledgements: random.Next(30, 600));
                await signers;
            }

            // Beside the clients' own changes, the shared key may have been rotating by itself.
            unacknowledged += 1 + SigningLoad.Clients + load.Keys.Count(k => k.Pending is "create" or "rotate");
            log.WriteLine($"round {round}: killed after {load.Acknowledged} acknowledgements, {load.Keys.Count()} keys, {unacknowledged} changes without an answer so far");
            await using var again = await ServiceProcess.Start(_directory.Path, environment);
            foreach (var key in load.Keys) await KeyVerification.Verify(again.Http, key);
            await signing.VerifyAll(again.Http);
            Assert.Equal(0, await again.Stop());
        }

        var (code, orphans, errors) = await ServiceProcess.Command(_directory.Path, ["hsm-orphans"], environment);
        Assert.True(code == 0, errors);
        log.WriteLine(orphans);
        Assert.True(signing.Signatures > 0);
        Assert.InRange(orphans.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length, 0, unacknowledged);
    }

    /// <summary>Clients that create keys that sign, sign, and rotate, one change at a time, until the service dies.</summary>
    private sealed class SigningLoad
    {
        public const int Clients = 2;

        private readonly ConcurrentBag<(string Id, int Version, string Signature)> _made = [];

        public int Signatures => _made.Count;

        public Task Run(HttpClient http, int round) => Task.WhenAll(Enumerable.Range(0, Clients).Select(client => Run(http, $"s{round}.c{client}")));

        public async Task VerifyAll(HttpClient http)
        {
            foreach (var (id, version, signature) in _made)
            {
                var verified = await http.Post($"/v1/keys/{id}/verify", new JsonObject { ["message"] = "AQID", ["signature"] = signature });
                Assert.Equal((true, version), ((bool)verified["valid"]!, (int)verified["key_version"]!));
            }
        }

        private async Task Run(HttpClient http, string name)
        {
            try
            {
                for (var number = 0; ; number++)
                {
                    var id = $"{name}.k{number}";
                    await http.Post("/v1/keys", new JsonObject { ["id"] = id, ["spec"] = number % 2 == 0 ? "ECC_NIST_P256" : "ED25519", ["protection"] = "hsm" });
                    for (var signatures = 0; signatures < 4; signatures++)
                    {
                        var signed = await http.Post($"/v1/keys/{id}/sign", new JsonObject { ["message"] = "AQID" });
                        _made.Add((id, (int)signed["key_version"]!, (string)signed["signature"]!));
                        await http.Rotate(id);
                    }
                }
            }
            catch (HttpRequestException)
            {
                // The service is dead, which is what was wanted.
            }
        }
    }

    public void Dispose()
    {
        _hsm.Dispose();
        _directory.Dispose();
    }
}

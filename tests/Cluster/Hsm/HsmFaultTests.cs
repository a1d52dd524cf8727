using System.Diagnostics;
using System.Net;
using System.Text.Json.Nodes;
using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Cluster.Hsms;

/// <summary>The token pulled out of the running service, and put back.</summary>
public sealed class HsmFaultTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly SoftHsm _hsm = new();
    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public async Task TokenRemovedUnderLoad_SoftwareKeysGoOn_AndItComesBackByItself()
    {
        await using var service = await ServiceProcess.Start(_directory.Path, _hsm.Environment(("OKMS_HSM_CREATE_ROOT", "true"), ("OKMS_REQUEST_LOG", "false")));
        await service.Http.Create("busy");
        await service.Http.Create("busy.hsm", protection: "hsm");
        var signing = await CreateKeysThatSign(service.Http);
        using var stop = new CancellationTokenSource();
        var load = Load(service.Http, stop.Token);
        var inHsm = Task.WhenAll(Enumerable.Range(0, 4).Select(_ => LoadInHsm(service.Http, stop.Token)));

        for (var round = 0; round < 2; round++)
        {
            _hsm.Remove();
            await Until(service, () => HsmIs(service.Http, "unhealthy"));
            await service.Http.Create($"made-without-{round}");
            await service.Http.Encrypt($"made-without-{round}", [1]);

            // Load balancers keep sending: what needs no HSM goes on, and the rest says what is missing.
            using var ready = await service.Http.GetAsync("/health/ready");
            Assert.Equal(HttpStatusCode.OK, ready.StatusCode);
            Assert.Contains("\"hsm\":\"unhealthy\"", await ready.Content.ReadAsStringAsync(), StringComparison.Ordinal);
            foreach (var call in (Func<Task>[])
                [() => service.Http.Encrypt("busy.hsm", [1]), () => service.Http.Rotate("busy.hsm"), () => service.Http.Create("new.hsm", protection: "hsm")])
            {
                var refusal = await Assert.ThrowsAsync<UnexpectedAnswerException>(call);
                Assert.Equal((503, "hsm_unavailable"), (refusal.Status, refusal.Code));
            }

            Assert.Equal("enabled", (string)(await service.Http.Describe("busy.hsm"))["state"]!);
            foreach (var (id, signature) in signing)
            {
                // What needs the public key alone goes on.
                var refusal = await Assert.ThrowsAsync<UnexpectedAnswerException>(() => Sign(service.Http, id));
                Assert.Equal((503, "hsm_unavailable"), (refusal.Status, refusal.Code));
                Assert.True((bool)(await Verify(service.Http, id, signature))["valid"]!);
            }

            _hsm.PutBack();
            await Until(service, () => HsmIs(service.Http, "healthy"));
            await service.Http.Encrypt("busy.hsm", [1]);
            foreach (var (id, _) in signing)
            {
                Assert.True((bool)(await Verify(service.Http, id, await Sign(service.Http, id)))["valid"]!);
            }
        }

        await stop.CancelAsync();
        Assert.True(await load > 0);
        var ciphertexts = (await inHsm).SelectMany(made => made).ToList();
        Assert.NotEmpty(ciphertexts);
        Assert.All(await service.Http.DecryptAll("busy.hsm", ciphertexts), opened => Assert.Equal([4, 5, 6], opened.Plaintext));
        Assert.True((long)(await service.Http.Describe("busy.hsm"))["uses"]!["encrypt"]! >= ciphertexts.Count);
        Assert.Equal(2, service.Output.Count(l => l.Contains("The HSM does not answer", StringComparison.Ordinal)));
        Assert.Equal(2, service.Output.Count(l => l.Contains("The HSM answers again", StringComparison.Ordinal)));
        Assert.DoesNotContain(SoftHsm.Pin, service.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task PinChangedWhileTheTokenIsAway_IsTriedOnce_AndNeverAgain()
    {
        await using var service = await ServiceProcess.Start(_directory.Path, _hsm.Environment(("OKMS_HSM_CREATE_ROOT", "true"), ("OKMS_REQUEST_LOG", "false")));
        await service.Http.Create("busy");
        _hsm.Remove();
        await Until(service, () => HsmIs(service.Http, "unhealthy"));
        await File.WriteAllTextAsync(_hsm.PinFile, "161803-wrong-pin");
        _hsm.PutBack();
        await Until(service, () => Task.FromResult(service.Output.Any(l => l.Contains("refused the PIN (", StringComparison.Ordinal))));

        // The right PIN comes too late: only a restart tries again.
        await File.WriteAllTextAsync(_hsm.PinFile, SoftHsm.Pin);
        await Until(service, () => Task.FromResult(service.Output.Any(l => l.Contains("refused the PIN before", StringComparison.Ordinal))));
        Assert.True(await HsmIs(service.Http, "unhealthy"));
        await service.Http.Encrypt("busy", [1]);
    }

    [Fact]
    public async Task VersionDestroyedBeforeAnybodyKnowsThatTheTokenIsAway_IsErasedAfterwards()
    {
        var environment = _hsm.Environment(("OKMS_HSM_CREATE_ROOT", "true"));
        await using (var service = await ServiceProcess.Start(_directory.Path, environment))
        {
            await service.Http.Create("destroyed.hsm", protection: "hsm");
            await service.Http.Rotate("destroyed.hsm");
            Assert.Equal(3, _hsm.KeyFiles.Count);
            _hsm.Remove();
            await service.Http.DestroyVersion("destroyed.hsm", 1);
            _hsm.PutBack();
            await Until(service, () => HsmIs(service.Http, "healthy"));
            Assert.Equal(0, await service.Stop());
        }

        await using var again = await ServiceProcess.Start(_directory.Path, environment);
        await again.Http.Describe("destroyed.hsm");
        Assert.Equal(2, _hsm.KeyFiles.Count);
    }

    public void Dispose()
    {
        _hsm.Dispose();
        _directory.Dispose();
    }

    // Every call must succeed: software keys do not need the HSM.
    private static async Task<int> Load(HttpClient http, CancellationToken stop)
    {
        var calls = 0;
        while (!stop.IsCancellationRequested)
        {
            await http.Encrypt("busy", [1, 2, 3]);
            calls++;
        }

        return calls;
    }

    // Each call succeeds or says that the HSM is away.
    private static async Task<List<byte[]>> LoadInHsm(HttpClient http, CancellationToken stop)
    {
        List<byte[]> made = [];
        while (!stop.IsCancellationRequested)
        {
            try
            {
                made.Add((await http.Encrypt("busy.hsm", [4, 5, 6])).Ciphertext);
            }
            catch (UnexpectedAnswerException e) when (e is { Status: 503, Code: "hsm_unavailable" })
            {
                await Task.Delay(20, CancellationToken.None);
            }
        }

        return made;
    }

    /// <summary>Creates a key of each kind that signs, once the service has found out that the token holds it.</summary>
    private static async Task<List<(string Id, string Signature)>> CreateKeysThatSign(HttpClient http)
    {
        List<(string, string)> made = [];
        foreach (var spec in (string[])["ECC_NIST_P256", "ED25519", "RSA_2048"])
        {
            var id = $"signs.{spec}";
            await http.Post("/v1/keys", new JsonObject { ["id"] = id, ["spec"] = spec, ["protection"] = "hsm" });
            made.Add((id, await Sign(http, id)));
        }

        using var health = await http.GetAsync("/health");
        var specs = JsonNode.Parse(await health.Content.ReadAsStringAsync())!["hsm_specs"]!.AsArray().Select(spec => (string)spec!);
        Assert.Equal(["AES_256_GCM", "ECC_NIST_P256", "ED25519", "HMAC_256", "RSA_4096"], specs.Intersect(["AES_256_GCM", "ECC_NIST_P256", "ED25519", "HMAC_256", "RSA_4096"]).Order());
        return made;
    }

    private static async Task<string> Sign(HttpClient http, string id) =>
        (string)(await http.Post($"/v1/keys/{id}/sign", new JsonObject { ["message"] = "AQID" }))["signature"]!;

    private static Task<JsonObject> Verify(HttpClient http, string id, string signature) =>
        http.Post($"/v1/keys/{id}/verify", new JsonObject { ["message"] = "AQID", ["signature"] = signature });

    private static async Task<bool> HsmIs(HttpClient http, string state)
    {
        using var answer = await http.GetAsync("/health");
        var health = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
        return health["checks"]!["hsm"]!.GetValue<string>() == state;
    }

    private static async Task Until(ServiceProcess service, Func<Task<bool>> condition)
    {
        var waiting = Stopwatch.StartNew();
        while (!await condition())
        {
            Assert.True(waiting.Elapsed < Patience, service.ToString());
            await Task.Delay(50);
        }
    }
}

using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OrleansKms.Gateway.Hosting;
using OrleansKms.Grains.Presence;
using OrleansKms.Tests.Cluster.Faults;
using OrleansKms.Tests.Cluster.Processes;
using Xunit.Abstractions;

namespace OrleansKms.Tests.Cluster.Upgrade;

/// <summary>
/// A rolling upgrade with real processes of two programs on one database: the old one knows rows of format 1 and lacks a grain
/// method, the new one knows both. They serve the same keys, nothing is lost, and raising the feature level ends it.
/// </summary>
[Trait("Category", "Faults")]
[Collection(Alone.Name)]
public sealed class RollingUpgradeTests(OldProgram old, ITestOutputHelper log) : IClassFixture<OldProgram>
{
    private const int Keys = 30;
    private static readonly Caller Caller = new("upgrade-test", "local", "request-1");

    private readonly ConcurrentDictionary<string, ExpectedKey> _keys = new();

    [Fact]
    public async Task OldAndNewSilos_ServeTheSameKeys_UntilTheFeatureLevelEndsTheUpgrade()
    {
        await using var cluster = await ClusterProcesses.Prepare(old.Path);
        var first = await cluster.StartSilo(old.Path, ClusterProcesses.WithGateway);
        var second = await cluster.StartSilo(old.Path, ClusterProcesses.WithGateway);
        await cluster.UntilActive(2);
        await CreateKeys(first.Http);
        await UseAll(first, second);
        using (var client = await Client(cluster))
        {
            // No silo knows the method yet.
            Assert.ThrowsAny<ArgumentException>(() => client.Services.GetRequiredService<IGrainFactory>().GetGrain<IKeyVersionsGrain>("k0"));
            await client.StopAsync();
        }

        log.WriteLine("a new silo joins two old ones");
        var third = await cluster.StartSilo(ClusterProcesses.WithGateway);
        await cluster.UntilActive(3);
        await UseAll(first, second, third);
        await CallWhatIsNew(cluster, throughOldSilosToo: true);
        await UseAll(first, second, third);
        await RotateKek(first.Http, third.Http);
        await UseAll(first, second, third);
        Assert.Equal(0, await RowsOfFormat(cluster, 2));
        await DestructionWaitsForTheEndOfTheUpgrade(third.Http);
        var (refused, _, reason) = await cluster.Command("raise-feature-level");
        Assert.Equal(StartGuard.Refused, refused);
        Assert.Contains("supports no more than 1", reason, StringComparison.Ordinal);

        log.WriteLine("the old silos go, one by one");
        Assert.Equal(0, await first.Stop());
        var fourth = await cluster.StartSilo(ClusterProcesses.WithGateway);
        await UseAll(second, third, fourth);
        Assert.Equal(0, await second.Stop());
        await UseAll(third, fourth);
        await CallWhatIsNew(cluster, throughOldSilosToo: false);
        Assert.Equal(0, await RowsOfFormat(cluster, 2));

        log.WriteLine("the feature level is raised");
        var (code, output, errors) = await cluster.Command("raise-feature-level");
        Assert.True(code == 0, errors);
        Assert.Contains($"from 1 to {FeatureLevels.Newest}", output, StringComparison.Ordinal);
        await UntilFormat2IsWritten(cluster, third);
        await UseAll(third, fourth);
        await CallWhatIsNew(cluster, throughOldSilosToo: false);

        var versions = (await Retried(() => third.Http.DestroyVersion("k1", 1)))["versions"]!.AsArray();
        Assert.Equal("destroyed", versions[0]!["state"]!.GetValue<string>());
        _keys.TryRemove("k1", out _);

        // From here on the root key vouches for the KEKs, which silos of the older program have rotated before.
        using (var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1)))
        {
            while (await cluster.Scalar("SELECT count(*) FROM okms_kek_manifest") is not 1L) await Task.Delay(100, patience.Token);
        }

        await RotateKek(third.Http, fourth.Http);

        var late = cluster.LaunchSilo(old.Path, ClusterProcesses.WithGateway);
        Assert.Equal(StartGuard.Refused, await late.Exited());
        Assert.Contains($"feature level is {FeatureLevels.Newest}", Assert.Single(late.Errors), StringComparison.Ordinal);
        await UseAll(third, fourth);
        await VerifyUses(fourth.Http);
    }

    // An old silo would take a row with such a version for a corrupted one, or destroy the version at once.
    private static async Task DestructionWaitsForTheEndOfTheUpgrade(HttpClient http)
    {
        var refusal = await Assert.ThrowsAsync<UnexpectedAnswerException>(() => Retried(() => http.DestroyVersion("k0", 1)));
        Assert.Equal(409, refusal.Status);
        Assert.Equal("enabled", (await Retried(() => http.Describe("k0")))["versions"]![0]!["state"]!.GetValue<string>());
    }

    private async Task CreateKeys(HttpClient http) => await Task.WhenAll(Enumerable.Range(0, Keys).Select(async i =>
    {
        var key = _keys[$"k{i}"] = new ExpectedKey($"k{i}", rotatesByItself: false);
        await http.Create(key.Id);
    }));

    /// <summary>Every key through every silo: encrypts, decrypts all that was ever encrypted, and some keys rotate.</summary>
    private async Task UseAll(params ServiceProcess[] silos)
    {
        foreach (var silo in silos)
        {
            await Task.WhenAll(_keys.Values.Chunk((Keys / 4) + 1).Select(async chunk =>
            {
                foreach (var key in chunk) await Use(silo.Http, key);
            }));
        }
    }

    private static async Task Use(HttpClient http, ExpectedKey key)
    {
        var plaintext = Guid.NewGuid().ToByteArray();
        var (version, ciphertext) = await Retried(() => http.Encrypt(key.Id, plaintext));
        key.Acknowledge(version, ciphertext, plaintext);
        Assert.InRange(version, key.PrimaryVersion, int.MaxValue);
        if (key.Uses % 3 == 0) key.PrimaryVersion = (await Retried(() => http.Rotate(key.Id)))["primary_version"]!.GetValue<int>();
        var expected = key.Ciphertexts.ToList();
        var results = await Retried(() => http.DecryptAll(key.Id, expected.Select(e => e.Ciphertext)));
        foreach (var ((of, _, text), (answer, error)) in expected.Zip(results))
        {
            Assert.True(error is null && text.AsSpan().SequenceEqual(answer), $"{key.Id} version {of}: {error ?? "wrong plaintext"}");
        }
    }

    // A key that is on its way to another silo answers 503 or 504 for a moment; any other error fails the test.
    private static async Task<T> Retried<T>(Func<Task<T>> call)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await call();
            }
            catch (UnexpectedAnswerException e) when (attempt < 50 && e.Status is 503 or 504)
            {
                await Task.Delay(100);
            }
        }
    }

    /// <summary>
    /// The method that only new silos have, on keys wherever they are: each answers that there is nothing to cancel, unless the call
    /// came through a silo that does not know it, and none is harmed, as the next use of all of them shows.
    /// </summary>
    private async Task CallWhatIsNew(ClusterProcesses cluster, bool throughOldSilosToo)
    {
        using var client = await Client(cluster);
        var grains = client.Services.GetRequiredService<IGrainFactory>();
        await Parallel.ForEachAsync(_keys.Values, new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (key, _) =>
        {
            var failure = await Record.ExceptionAsync(() => grains.GetGrain<IKeyVersionsGrain>(key.Id).CancelDestruction(new(Caller, 1)));
            // Refused by an old silo, or lost there, as a call of a key that is on its way from one silo to another may be.
            if (throughOldSilosToo && failure is TypeLoadException or OrleansException or TimeoutException) return;
            Assert.Equal("conflict", Assert.IsType<KmsException>(failure).Code);
        });
        await client.StopAsync();
    }

    private static async Task RotateKek(HttpClient through, HttpClient other)
    {
        var made = (await through.Post("/v1/admin/keks/rotate"))["id"]!.GetValue<string>();
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (await other.Keks() is var keks && !(keks.Any(k => k.Id == made && k.State == "current") && keks.Any(k => k.State == "retired")))
        {
            Assert.False(patience.IsCancellationRequested, string.Join(", ", keks));
            await Task.Delay(100);
        }
    }

    private async Task UntilFormat2IsWritten(ClusterProcesses cluster, ServiceProcess silo)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (await RowsOfFormat(cluster, 2) == 0)
        {
            Assert.False(patience.IsCancellationRequested, $"No row of format 2 was written.\n{cluster}");
            var key = _keys["k1"];
            key.PrimaryVersion = (await silo.Http.Rotate(key.Id))["primary_version"]!.GetValue<int>();
        }
    }

    private async Task VerifyUses(HttpClient http)
    {
        foreach (var key in _keys.Values)
        {
            var description = await http.Describe(key.Id);
            Assert.Equal(key.PrimaryVersion, description["primary_version"]!.GetValue<int>());
            Assert.True(description["uses"]!["encrypt"]!.GetValue<long>() >= key.Uses, $"{key.Id} was under-counted.");
            foreach (var version in description["versions"]!.AsArray().Select(v => v!.AsObject()))
            {
                var acknowledged = key.UsesOfVersion.GetValueOrDefault(version["version"]!.GetValue<int>());
                Assert.True(version["uses"]!.GetValue<long>() >= acknowledged, $"{key.Id}: {version.ToJsonString()} < {acknowledged}");
            }
        }
    }

    private static async Task<long> RowsOfFormat(ClusterProcesses cluster, int format) =>
        (long)(await cluster.Scalar(FormattableString.Invariant($"SELECT count(*) FROM okms_row WHERE get_byte(payload, 0) = {format}")))!;

    private static async Task<IHost> Client(ClusterProcesses cluster)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.AddOrleansKmsClient(new KmsClientOptions
        {
            Principal = "upgrade-test",
            DatabaseUrl = cluster.DatabaseUrl,
            InsecureNetwork = true,
            ResponseTimeout = TimeSpan.FromSeconds(30),
        });
        var host = builder.Build();
        await host.StartAsync();
        return host;
    }
}

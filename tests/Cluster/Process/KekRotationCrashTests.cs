using System.Text.Json.Nodes;
using Xunit.Abstractions;

namespace OrleansKms.Tests.Cluster.Processes;

/// <summary>
/// kill -9 at random points of a KEK rotation and of the resealing of all rows, under load, again and again: every key is
/// readable at every start, and the rotation goes on by itself and ends.
/// </summary>
public sealed class KekRotationCrashTests(ITestOutputHelper log)
{
    private const int Keys = 150;
    private const int Kills = 4;

    // Slow enough that a kill finds the sweep at work: some 300 rows, so three seconds.
    private static readonly (string, string?) Rate = ("OKMS_RESEAL_RATE", "100");

    [Fact]
    public async Task KilledWhileRowsAreSealedAnew_EveryKeyDecryptsAndTheRotationEnds()
    {
        var seed = Random.Shared.Next();
        log.WriteLine($"seed {seed}");
        var random = new Random(seed);
        using var directory = new TemporaryDirectory();
        var keys = new ExpectedKey[Keys];
        await using (var service = await ServiceProcess.Start(directory.Path, Rate))
        {
            await Task.WhenAll(Enumerable.Range(0, Keys).Select(async i =>
            {
                keys[i] = new ExpectedKey($"k{i}", rotatesByItself: false);
                await service.Http.Create(keys[i].Id);
                await Encrypt(service.Http, keys[i]);
                if (i % 3 == 0) await service.Http.Rotate(keys[i].Id);
            }));
            await service.Kill();
        }

        for (var kill = 1; kill <= Kills; kill++)
        {
            await using var service = await ServiceProcess.Start(directory.Path, Rate);
            await DecryptAll(service.Http, keys);
            if ((await service.Http.Keks()).All(k => k.State is "current" or "retired" or "destroyed")) await service.Http.Post("/v1/admin/keks/rotate");
            await KillWhenResealed(service, keys, atLeast: random.Next(0, 250));
            log.WriteLine($"kill {kill}");
        }

        await using var last = await ServiceProcess.Start(directory.Path, ("OKMS_RESEAL_RATE", "5000"));
        await DecryptAll(last.Http, keys);
        var keks = await UntilRetired(last.Http);
        Assert.All(keys, key => Assert.NotEmpty(key.Ciphertexts));
        foreach (var kek in keks.Where(k => k.State == "retired"))
        {
            // A silo that has just promoted a KEK says so a moment later; until then the old one counts as in use.
            await ClusterProcesses.Until(() => last.Http.Post($"/v1/admin/keks/{kek.Id}/destroy"));
        }

        await DecryptAll(last.Http, keys);
        foreach (var key in keys.Take(20)) await last.Http.Rotate(key.Id);
        await DecryptAll(last.Http, keys);
        Assert.Single(await last.Http.Keks(), k => k.State != "destroyed");
        Assert.Equal(0, await last.Stop());
        await using var again = await ServiceProcess.Start(directory.Path);
        await DecryptAll(again.Http, keys);
    }

    /// <summary>Loads the service, and kills it when the sweep has come so far or has ended.</summary>
    private static async Task KillWhenResealed(ServiceProcess service, ExpectedKey[] keys, int atLeast)
    {
        using var killed = new CancellationTokenSource();
        var clients = Enumerable.Range(0, 4).Select(c => Load(service.Http, keys.Where((_, i) => i % 4 == c).ToArray(), killed.Token)).ToArray();
        var before = (await service.Http.Keks()).Sum(k => k.Done);
        while (await service.Http.Keks() is var keks && keks.Sum(k => k.Done) - before < atLeast && keks.Any(k => k.State is "new" or "retiring"))
        {
            Assert.All(clients, c => Assert.False(c.IsFaulted, $"{c.Exception}"));
            await Task.Yield();
        }
        await killed.CancelAsync();
        await service.Kill();
        await Task.WhenAll(clients);
    }

    private static async Task Load(HttpClient http, ExpectedKey[] keys, CancellationToken killed)
    {
        try
        {
            for (var i = 0; ; i++)
            {
                var key = keys[i % keys.Length];
                await Encrypt(http, key);
                if (i % 7 == 0) await http.Rotate(key.Id);
                if (i % 5 == 0) await Decrypt(http, key);
            }
        }
        catch (HttpRequestException) when (killed.IsCancellationRequested)
        {
            // Dead, as it should be. An answer with an error is another exception and fails the test.
        }
    }

    private static async Task Encrypt(HttpClient http, ExpectedKey key)
    {
        var plaintext = Guid.NewGuid().ToByteArray();
        var (version, ciphertext) = await http.Encrypt(key.Id, plaintext);
        key.Acknowledge(version, ciphertext, plaintext);
    }

    private static async Task DecryptAll(HttpClient http, ExpectedKey[] keys) =>
        await Task.WhenAll(keys.Chunk((Keys / 4) + 1).Select(async chunk =>
        {
            foreach (var key in chunk) await Decrypt(http, key);
        }));

    private static async Task Decrypt(HttpClient http, ExpectedKey key)
    {
        var expected = key.Ciphertexts.ToList();
        var results = await http.DecryptAll(key.Id, expected.Select(e => e.Ciphertext));
        foreach (var ((version, _, plaintext), (answer, error)) in expected.Zip(results))
        {
            Assert.True(error is null && plaintext.AsSpan().SequenceEqual(answer), $"{key.Id} version {version}: {error ?? "wrong plaintext"}");
        }
    }

    private static async Task<IReadOnlyList<KekView>> UntilRetired(HttpClient http)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (true)
        {
            var keks = await http.Keks();
            if (keks.All(k => k.State is "current" or "retired")) return keks;
            Assert.False(patience.IsCancellationRequested, string.Join(", ", keks));
            await Task.Delay(100);
        }
    }
}

/// <summary>A KEK as the interface shows it.</summary>
internal sealed record KekView(string Id, string State, long Rows, long Done);

internal static class KekCalls
{
    public static async Task<IReadOnlyList<KekView>> Keks(this HttpClient http)
    {
        var text = await http.GetStringAsync("/v1/admin/keks");
        return [.. JsonNode.Parse(text)!["keks"]!.AsArray().Select(kek => new KekView(
            kek!["id"]!.GetValue<string>(), kek["state"]!.GetValue<string>(), kek["rows"]!.GetValue<long>(),
            kek["resealing"] is { } resealing ? resealing["rows_done"]!.GetValue<long>() : 0))];
    }
}

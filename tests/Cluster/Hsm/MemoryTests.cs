using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Root;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;
using OrleansKms.Tests.Cluster.Keys;
using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Cluster.Hsms;

/// <summary>
/// What a dump of the running service's memory gives away: searched for in the memory of the real process, as whoever may attach
/// to it reads it. Native cipher contexts hold an expanded key, which begins with the key.
/// </summary>
[Collection(SharedToken.Collection)]
public sealed class MemoryTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private readonly TemporaryDirectory _directory = new();

    [MemoryFact]
    public async Task FileRoot_IsNotInMemory_AndMaterialOfKeysThatEndedIsNot() =>
        await Search([], new() { DataDirectory = _directory.Of("okms-data") }, _directory.Of("okms-data/root.key"));

    [MemoryFact]
    public async Task RootInTheHsm_MaterialOfKeysThatEndedIsNotInMemory() => await Search(
        [.. SharedToken.Environment, ("OKMS_HSM_CREATE_ROOT", "true")],
        new() { DataDirectory = _directory.Of("okms-data"), Hsm = SharedToken.Options with { MayCreateRoot = false } }, rootFile: null);

    public void Dispose() => _directory.Dispose();

    private async Task Search((string Name, string? Value)[] environment, KmsStorageOptions storage, string? rootFile)
    {
        string[] keys = ["disabled", "deleted", "destroyed", "used"];
        environment = [.. environment, ("OKMS_MIN_DELETION_DELAY", "PT0S")];
        await using (var service = await ServiceProcess.Start(_directory.Path, environment))
        {
            foreach (var key in keys) await service.Http.Create(key);
            Assert.Equal(0, await service.Stop());
        }

        var materials = await Open(keys, storage);
        await using var again = await ServiceProcess.Start(_directory.Path, environment);
        foreach (var key in keys)
        {
            for (var i = 0; i < 20; i++)
            {
                var (_, ciphertext) = await again.Http.Encrypt(key, [1, 2, 3]);
                Assert.Equal([1, 2, 3], Assert.Single(await again.Http.DecryptAll(key, [ciphertext])).Plaintext);
            }
        }

        // The search finds what is there.
        Assert.All(keys, key => Assert.NotEqual(0, Count(again, materials[key])));
        if (rootFile is not null)
        {
            await UntilGone(again, await File.ReadAllBytesAsync(rootFile));
            await again.Http.Post("/v1/admin/keks/rotate");
            await UntilGone(again, await File.ReadAllBytesAsync(rootFile));
        }

        await again.Http.Change("disabled", "disable");
        await again.Http.Rotate("destroyed");
        await again.Http.DestroyVersion("destroyed", 1);
        await again.Http.Post("/v1/keys/deleted/schedule-deletion", new() { ["after"] = "PT0S" });
        Assert.Equal("destroyed", (string)(await again.Http.Describe("deleted"))["state"]!);
        foreach (var key in keys[..3]) await UntilGone(again, materials[key]);
        Assert.NotEqual(0, Count(again, materials["used"]));
    }

    // As a silo opens them, in this process.
    private static async Task<Dictionary<string, byte[]>> Open(string[] keys, KmsStorageOptions storage)
    {
        await using var silo = await TestSilo.Start(storage, serviceId: "okms");
        var sealer = silo.Services.GetRequiredService<IMaterialSealer>();
        var materials = new Dictionary<string, byte[]>();
        foreach (var key in keys)
        {
            var grain = GrainId.Create("key", key);
            var slot = new RowSlot<KeyRow>(silo.Rows, grain, RowNames.Key);
            await slot.Read();
            using var material = sealer.Open(new(grain, slot.Row!.Incarnation, 1), slot.Row.Material!);
            Assert.Equal(32, material.Length);
            materials.Add(key, material.Span.ToArray());
        }

        return materials;
    }

    // What a thread's dead stack still holds goes with the next calls that it makes.
    private static async Task UntilGone(ServiceProcess service, byte[] secret)
    {
        var until = DateTime.UtcNow + Patience;
        while (Count(service, secret) is var count and > 0)
        {
            Assert.True(DateTime.UtcNow < until, $"{count} copies stay in memory.");
            await service.Http.Encrypt("used", [1]);
        }
    }

    private static int Count(ServiceProcess service, byte[] secret)
    {
        var directory = string.Create(CultureInfo.InvariantCulture, $"/proc/{service.Id}");
        using var memory = File.OpenHandle(Path.Combine(directory, "mem"));
        var chunk = new byte[1 << 20];
        var count = 0;
        foreach (var line in File.ReadLines(Path.Combine(directory, "maps")))
        {
            var fields = line.Split(' ', 3);
            if (!fields[1].StartsWith("rw", StringComparison.Ordinal)) continue;
            var (start, end) = (Hex(fields[0].Split('-')[0]), Hex(fields[0].Split('-')[1]));
            for (var at = start; at < end; at += chunk.Length - secret.Length + 1)
            {
                count += CountIn(memory, at, chunk.AsSpan(0, (int)Math.Min(chunk.Length, end - at)), secret);
            }
        }

        return count;
    }

    private static int CountIn(Microsoft.Win32.SafeHandles.SafeFileHandle memory, long at, Span<byte> chunk, byte[] secret)
    {
        try
        {
            chunk = chunk[..RandomAccess.Read(memory, chunk, at)];
        }
        catch (IOException)
        {
            // The region went away, or cannot be read (a guard page).
            return 0;
        }

        var count = 0;
        for (var found = 0; (found = chunk.IndexOf(secret)) >= 0; chunk = chunk[(found + 1)..]) count++;
        return count;
    }

    private static long Hex(string address) => long.Parse(address, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}

/// <summary>A test that reads another process's memory, which a silo lets nobody but root.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class MemoryFactAttribute : FactAttribute
{
    public MemoryFactAttribute()
    {
        if (Environment.UserName != "root")
        {
            Skip = "Only root may read a silo's memory: it was NOT searched.";
        }
    }
}

using System.Globalization;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Aead;
using OrleansKms.Grains.Providers;
using OrleansKms.Grains.Sealing;
using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Cluster.Hsms;

/// <summary>Keys on the token that no row knows: the commands of the real program, beside keys that it has made.</summary>
[Collection(SharedToken.Collection)]
public sealed class HsmOrphanTests(SharedToken shared) : IClassFixture<SharedToken>, IDisposable
{
    private static readonly KeyAlgorithm _algorithm = new Aes256GcmAlgorithm();
    private readonly TemporaryDirectory _directory = new();
    private readonly string _service = Guid.NewGuid().ToString("N");

    private (string Name, string? Value)[] Environment =>
        [.. SharedToken.Environment, ("OKMS_SERVICE_ID", _service), ("OKMS_HSM_CREATE_ROOT", "true")];

    [Fact]
    public async Task Commands_ListOrphans_AndRemoveThemByNameOnly()
    {
        byte[] ciphertext;
        await using (var service = await ServiceProcess.Start(_directory.Path, Environment))
        {
            await service.Http.Create("kept", protection: "hsm");
            (_, ciphertext) = await service.Http.Encrypt("kept", [1, 2, 3]);
            await service.Http.Rotate("kept");
            await service.Http.Create("destroyed", protection: "hsm");
            await service.Http.Rotate("destroyed");
            await service.Http.DestroyVersion("destroyed", 1);

            // A token that is there and full says so to the caller and to whoever asks how the service is, and goes on.
            using (SharedToken.Switch("is-full"))
            {
                var refusal = await Assert.ThrowsAsync<UnexpectedAnswerException>(() => service.Http.Create("full", protection: "hsm"));
                Assert.Equal((503, "hsm_unavailable"), (refusal.Status, refusal.Code));
                await service.UntilSaid("C_GenerateKey (CKM_AES_KEY_GEN) returned CKR_DEVICE_MEMORY: the token is full");
                var health = await Health(service, "\"hsm\":\"unhealthy\"");
                Assert.Contains("C_GenerateKey (CKM_AES_KEY_GEN) returned CKR_DEVICE_MEMORY: the token is full", health, StringComparison.Ordinal);
                await service.Http.Encrypt("kept", [1, 2, 3]);
            }

            await service.Http.Create("kept.too", protection: "hsm");
            Assert.DoesNotContain("problems", await Health(service, "\"hsm\":\"healthy\""), StringComparison.Ordinal);

            // The threads of its pool have ended before the module was finalised.
            using var dies = SharedToken.Switch("dies-of-open-sessions");
            Assert.Equal(0, await service.Stop());
        }

        var made = (await Inventory.List(default)).ToDictionary(k => k.Label);
        Assert.Equal(["destroyed v2", "kept v1", "kept v2", "kept.too v1"], made.Keys.Order());
        Assert.Empty(await List());

        var lost = await Make("lost", Incarnation.New(), days: 3);
        var loser = await Make("kept", made["kept v1"].Id.Incarnation, days: 3);
        var young = await Make("young", Incarnation.New(), days: 0);
        var foreign = await Make("kept", Incarnation.New(), days: 3, service: "another");
        string[] listed =
        [
            Line(lost, 3, "old lost v1"), Line(loser, 3, "old kept v1"), Line(young, 0, "young young v1"),
        ];
        Assert.Equal(listed.Order(), (await List()).Order());

        // They are older than this database, as far as it knows.
        await Refused("before this database", lost);
        MoveRoots(days: -10);
        await Refused("24 hours", lost, young);
        await Refused("not an orphan", lost, foreign);
        await Refused("not an orphan", lost, made["kept v1"].Id.ToString());
        await Refused("not an orphan", lost, "nothing");
        await Refused("remove-hsm-orphans --help");
        Assert.Equal(8, await OnToken());

        Assert.Equal(0, (await Command("remove-hsm-orphans", loser)).Code);
        Assert.Equal([.. listed.Order()], (await List()).Append(listed[1]).Order());
        Assert.Equal(7, await OnToken());

        // What a backup did not know may be a key that is in use.
        Assert.Equal(0, (await Command("restore-epoch")).Code);
        await Refused("restore epoch", lost);
        await using var again = await ServiceProcess.Start(_directory.Path, Environment);
        Assert.Equal([1, 2, 3], Assert.Single(await again.Http.DecryptAll("kept", [ciphertext])).Plaintext);
        Assert.Equal(7, await OnToken());
    }

    [Fact]
    public async Task Commands_WithoutWhatTheyNeed_AreRefused()
    {
        var (code, _, errors) = await Command("hsm-orphans");
        Assert.Equal(2, code);
        Assert.Contains("no database", errors, StringComparison.Ordinal);
        Assert.False(File.Exists(_directory.Of("okms-data/kms.db")));

        await using (var service = await ServiceProcess.Start(_directory.Path))
        {
            Assert.Equal(0, await service.Stop());
        }

        (code, _, errors) = await ServiceProcess.Command(_directory.Path, ["hsm-orphans"]);
        Assert.Equal(2, code);
        Assert.Contains("HSM_ADDRESS", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Watch_TellsOfOldOrphansOnly()
    {
        var provider = shared.Keys("storage-tests", new FakeTimeProvider(DateTimeOffset.UtcNow.AddDays(-3)));
        var watch = shared.Silo.Services.GetRequiredService<HsmOrphanWatch>();
        var before = await watch.Look(default);
        var name = new KeyVersionName("watched", Incarnation.New(), 1);
        (await provider.Generate(_algorithm, name)).Dispose();
        (await shared.Keys("storage-tests")
            .Generate(_algorithm, name with { Incarnation = Incarnation.New() })).Dispose();

        Assert.Equal(before + 1, await watch.Look(default));
        await provider.Destroy(name);
        Assert.Equal(before, await watch.Look(default));
    }

    public void Dispose() => _directory.Dispose();

    /// <summary>What the service says of itself, once it says this: its answer may be a second old.</summary>
    private static async Task<string> Health(ServiceProcess service, string said)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (true)
        {
            using var answer = await service.Http.GetAsync("/health", patience.Token);
            var health = await answer.Content.ReadAsStringAsync(patience.Token);
            if (health.Contains(said, StringComparison.Ordinal)) return health;
        }
    }

    private HsmInventory Inventory => new(shared.Token, _service, TimeProvider.System);

    private async Task<string> Make(string keyId, Incarnation incarnation, int days, string? service = null)
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow.AddDays(-days));
        using var made = await shared.Keys(service ?? _service, time).Generate(_algorithm, new(keyId, incarnation, 1));
        return Convert.ToHexStringLower(made.Kept.Span);
    }

    // With the foreign one, which belongs to another installation.
    private async Task<int> OnToken() =>
        (await Inventory.List(default)).Count + (await new HsmInventory(shared.Token, "another", TimeProvider.System).List(default)).Count;

    private async Task<IReadOnlyList<string>> List()
    {
        var (code, output, errors) = await Command("hsm-orphans");
        Assert.True(code == 0, errors);
        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private async Task Refused(string why, params string[] ids)
    {
        var (code, output, errors) = await Command(["remove-hsm-orphans", .. ids]);
        Assert.Equal(2, code);
        Assert.Empty(output);
        Assert.Contains(why, errors, StringComparison.Ordinal);
    }

    private Task<(int Code, string Output, string Errors)> Command(params string[] arguments) =>
        ServiceProcess.Command(_directory.Path, arguments, Environment);

    private static string Line(string id, int daysAgo, string rest) => string.Create(
        CultureInfo.InvariantCulture, $"{id} {DateTime.UtcNow.AddDays(-daysAgo):yyyy-MM-dd} {rest}");

    private void MoveRoots(int days)
    {
        using var connection = new SqliteConnection($"Data Source={_directory.Of("okms-data/kms.db")};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "UPDATE okms_root SET created_at = @then";
        command.Parameters.AddWithValue("then", DateTime.UtcNow.AddDays(days));
        Assert.Equal(1, command.ExecuteNonQuery());
    }
}

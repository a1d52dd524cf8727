using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using OrleansKms.Grains.Presence;
using OrleansKms.Grains.Providers;
using OrleansKms.Grains.Root;
using OrleansKms.Tests.Cluster.Keys;

namespace OrleansKms.Tests.Cluster.Hsms;

/// <summary>Who knows less than the token: a silo that lost a race, and a database that was put back from a backup.</summary>
[Collection(SharedToken.Collection)]
public sealed class HsmRaceTests(SharedToken shared) : IClassFixture<SharedToken>
{
    private static readonly byte[] _plaintext = "made twice, kept once"u8.ToArray();
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);
    private readonly string _service = Guid.NewGuid().ToString("N");

    [Fact]
    public async Task TwoSilosCreateAndRotateAtOnce_OneWins_AndTheOthersObjectIsAnOrphan()
    {
        Assert.True(shared.Token.IsHealthy);
        using var database = await KeyDatabase.Make("postgres");
        await using var one = await Start(database.Options);
        await using var two = await Start(database.Options);
        TestSilo[] silos = [one, two];
        var lost = 0;
        for (var i = 0; i < 8; i++)
        {
            var id = $"race.{i}";
            var created = await Task.WhenAll(silos.Select(silo => Try(() => Create(silo, id))));
            Assert.Single(created, c => c is null);
            Assert.Single(created, c => c is not null);
            lost++;

            List<Encrypted> made = [];
            for (var round = 0; round < 3; round++)
            {
                foreach (var silo in silos) made.Add(await Encrypt(silo, id));
                var rotated = await Task.WhenAll(silos.Select(silo => Try(() => silo.Key(id).Rotate(new(TestSilo.Caller)))));
                lost += rotated.Count(code => code is not null);
            }

            foreach (var silo in silos)
            {
                foreach (var encrypted in made)
                {
                    Assert.Equal(_plaintext, (await silo.Key(id).Decrypt(new(TestSilo.Caller, encrypted.Ciphertext))).Plaintext);
                }
            }
        }

        var orphans = await one.Services.GetRequiredService<HsmOrphans>().Find(default);
        Assert.InRange(orphans.Count, 0, lost);
        Assert.All(orphans, orphan => Assert.StartsWith("race.", orphan.Label, StringComparison.Ordinal));
    }

    [Fact]
    public async Task RestoredDatabase_GoesOnWithNewVersions_AndRemovesNothingThatItForgot()
    {
        using var database = await KeyDatabase.Make("sqlite");
        Encrypted kept;
        await using (var silo = await Start(database.Options))
        {
            await Create(silo, "key");
            kept = await Encrypt(silo, "key");
        }

        var backup = await database.Backup();
        await using (var silo = await Start(database.Options))
        {
            await silo.Key("key").Rotate(new(TestSilo.Caller));
            await Encrypt(silo, "key");
        }

        await database.Restore(backup);
        var epoch = await RestoreEpochStore.Begin(database.Options, _time, TimeSpan.MaxValue, NullLoggerFactory.Instance, default);
        _time.Advance(TimeSpan.FromSeconds(1));
        await using var restored = await Start(database.Options);
        Assert.Equal(_plaintext, (await restored.Key("key").Decrypt(new(TestSilo.Caller, kept.Ciphertext))).Plaintext);
        Assert.True((await Encrypt(restored, "key")).KeyVersion > epoch.VersionBase);

        var orphans = restored.Services.GetRequiredService<HsmOrphans>();
        var forgotten = Assert.Single(await orphans.Find(default));
        Assert.Equal("key v2", forgotten.Label);
        Assert.Equal("conflict", await Try(() => orphans.Remove([forgotten.Id], default)));
        Assert.Single(await orphans.Find(default));
    }

    private Task<TestSilo> Start(KmsStorageOptions options) => TestSilo.Start(options with { Hsm = SharedToken.Options }, _service, _time);

    private static Task<KeyDescription> Create(TestSilo silo, string id) =>
        silo.Key(id).Create(new() { Caller = TestSilo.Caller, Protection = KeyProtection.Hsm });

    private static async Task<Encrypted> Encrypt(TestSilo silo, string id) => await silo.Key(id).Encrypt(new(TestSilo.Caller, _plaintext));

    private static async Task<string?> Try(Func<Task> operation)
    {
        try
        {
            await operation();
            return null;
        }
        catch (KmsException e) when (e.Error == KmsError.Conflict || e.Error == KmsError.KeyExists)
        {
            return e.Code;
        }
    }
}

using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Tests.Cluster.Keys;

/// <summary>
/// Two activations of one id that is free, of which one restores a key and is held at each await, while the other restores it, too, or
/// creates another. One of them wins, and whatever either acknowledged holds afterwards.
/// </summary>
public sealed class BackupRaceTests : IAsyncLifetime
{
    private const int Keys = 40;

    private static readonly byte[] _plaintext = "who comes first"u8.ToArray();
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("okms-race-");
    private readonly FakeTimeProvider _time = new(new(2026, 11, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly List<TestSilo> _silos = [];
    private readonly List<(byte[] Backup, Encrypted First, Encrypted Second)> _lost = [];
    private string _database = "";

    public async Task InitializeAsync()
    {
        _database = await Postgres.NewDatabase();
        await using (var maker = await Silo())
        {
            for (var i = 0; i < Keys; i++)
            {
                await maker.Create(Id(i));
                var first = await Encrypt(maker, Id(i));
                await maker.Key(Id(i)).Rotate(new(TestSilo.Caller));
                _lost.Add(((await maker.Grains.GetGrain<IKeyBackupsGrain>(Id(i)).BackUp(new(TestSilo.Caller))).Backup, first, await Encrypt(maker, Id(i))));
            }
        }

        _silos.Add(await Silo());
        await using var connection = await _silos[0].Services.GetRequiredService<Database>().Connections.OpenConnectionAsync();
        await using var command = connection.Command("DELETE FROM okms_row WHERE grain_key LIKE '=race.%'");
        Assert.True(await command.ExecuteNonQueryAsync() > 2 * Keys);
        _silos.Add(await Silo());
    }

    public async Task DisposeAsync()
    {
        foreach (var silo in _silos) await silo.DisposeAsync();
        _root.Delete(recursive: true);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Restore_HeldAtEachAwait_OneWinsAndNothingAcknowledgedIsLost(bool otherRestores)
    {
        var reached = true;
        var point = 0;
        for (; reached; point++)
        {
            var (held, other, id, lost) = (_silos[0], _silos[1], Id(point), _lost[point]);
            var made = new List<KeyDescription>();
            var encrypted = new List<Encrypted>();
            held.Gate.HoldAt(point);
            var restoring = Try(() => Restore(held, id, lost.Backup), made);
            await Task.WhenAny(held.Gate.Reached, restoring);
            reached = held.Gate.Reached.IsCompleted;
            await Try(() => otherRestores ? Restore(other, id, lost.Backup) : other.Create(id), made);
            if (made.Count > 0)
            {
                _time.Advance(TimeSpan.FromSeconds(2));
                encrypted.Add(await Encrypt(other, id));
                await other.Key(id).Rotate(new(TestSilo.Caller));
                encrypted.Add(await Encrypt(other, id));
            }

            held.Gate.HoldAt(-1);
            await restoring;
            Assert.True(made.Count == 1, $"at {point}, {made.Count} were acknowledged");
            _time.Advance(TimeSpan.FromSeconds(2));
            encrypted.Add(await Encrypt(held, id));
            encrypted.Add(await Encrypt(other, id));

            // A third activation knows nothing but what is stored.
            await using var fresh = await Silo();
            var key = await fresh.Key(id).Describe(new(TestSilo.Caller));
            Assert.All(encrypted, one => Assert.Contains(key.Versions, version => version.Version == one.KeyVersion));
            foreach (var one in encrypted) Assert.Equal(_plaintext, await Decrypt(fresh, id, one));
            foreach (var one in new[] { lost.First, lost.Second })
            {
                if (made[0].Versions.Length == 3) Assert.Equal(_plaintext, await Decrypt(fresh, id, one));
                else Assert.Equal("invalid_ciphertext", (await Assert.ThrowsAsync<KmsException>(() => Decrypt(fresh, id, one))).Code);
            }

            Assert.All(await fresh.Grains.GetGrain<IKeyRowsGrain>(id).Check(new(TestSilo.Caller)), check => Assert.Null(check.Error));
            foreach (var version in key.Versions)
            {
                Assert.True(version.Uses >= encrypted.Count(one => one.KeyVersion == version.Version), $"at {point}, version {version.Version} counts too few");
            }
        }

        Assert.InRange(point, 10, Keys);
    }

    private Task<TestSilo> Silo() => TestSilo.Start(new() { ConnectionString = _database, DataDirectory = _root.FullName }, time: _time);

    private static string Id(int number) => $"race.{number}";

    private static Task<KeyDescription> Restore(TestSilo silo, string id, byte[] backup) => silo.Grains.GetGrain<IKeyBackupsGrain>(id).Restore(new(TestSilo.Caller, backup));

    private static async Task<Encrypted> Encrypt(TestSilo silo, string id) => await silo.Key(id).Encrypt(new(TestSilo.Caller, _plaintext));

    private static async Task<byte[]> Decrypt(TestSilo silo, string id, Encrypted encrypted) => (await silo.Key(id).Decrypt(new(TestSilo.Caller, encrypted.Ciphertext))).Plaintext;

    private static async Task Try(Func<Task<KeyDescription>> make, List<KeyDescription> made)
    {
        try
        {
            made.Add(await make());
        }
        catch (KmsException e)
        {
            Assert.Equal("key_exists", e.Code);
        }
    }
}

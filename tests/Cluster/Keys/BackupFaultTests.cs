using System.Globalization;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Time.Testing;
using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Presence;
using OrleansKms.Grains.Root;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Tests.Cluster.Keys;

/// <summary>
/// A restore that fails, or whose silo dies, at each of its awaits: there is no key afterwards, or the whole key, and whoever loads it
/// completes it. And a KEK that is replaced meanwhile.
/// </summary>
public sealed class BackupFaultTests : IAsyncLifetime
{
    private static readonly byte[] _plaintext = "a restore that fails"u8.ToArray();
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("okms-backup-");
    private readonly FakeTimeProvider _time = new(new(2026, 11, 1, 0, 0, 0, TimeSpan.Zero));
    private TestSilo _silo = null!;

    public async Task InitializeAsync() => _silo = await Start();

    public async Task DisposeAsync()
    {
        await _silo.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private Task<TestSilo> Start() => TestSilo.Start(
        new() { DataDirectory = _folder.FullName, PresenceInterval = TimeSpan.FromSeconds(20), ResealRate = 100_000 }, time: _time);

    [Theory]
    [InlineData("fails once")]
    [InlineData("fails from there on")]
    [InlineData("is killed")]
    public async Task AtEachAwait_AfterwardsThereIsNoKeyOrTheWholeKey(string what)
    {
        var (backup, first, second) = await Lost("faulty");
        var completed = 0;
        for (var (point, reached) = (0, true); reached; point++)
        {
            var restoring = Begin(what, point, backup);
            await Task.WhenAny(_silo.Gate.Reached, restoring);
            reached = _silo.Gate.Reached.IsCompleted;
            if (what == "is killed" && reached)
            {
                await _silo.Kill();
                _silo = await Start();
            }
            else if (await Record.ExceptionAsync(() => restoring) is { } failure)
            {
                Assert.Contains(Assert.IsType<KmsException>(failure).Code, new[] { "storage_unavailable", "conflict" });
            }

            _silo.Gate.HoldAt(-1);
            _time.Advance(TimeSpan.FromSeconds(2));
            KeyDescription? key = null;
            try
            {
                key = await _silo.Key("faulty").Describe(new(TestSilo.Caller));
                completed++;
            }
            catch (KmsException e)
            {
                // Whoever tries again makes it.
                Assert.Equal("key_not_found", e.Code);
                key = await Backups("faulty").Restore(new(TestSilo.Caller, backup));
            }

            Assert.Equal("key_exists", (await Assert.ThrowsAsync<KmsException>(() => Backups("faulty").Restore(new(TestSilo.Caller, backup)))).Code);
            await IsWhole("faulty", key, first, second);
            await Lose("faulty");
        }

        Assert.InRange(completed, 4, 30);
    }

    [Fact]
    public async Task KilledAfterTheCommit_AndTheKekReplacedAndDestroyed_IsCompletedByWhoeverLoadsIt()
    {
        var (backup, first, second) = await Lost("committed");
        var point = 0;
        for (var isCommitted = false; !isCommitted; point++)
        {
            _silo.Gate.HoldAt(point);
            var restoring = Backups("committed").Restore(new(TestSilo.Caller, backup));
            await _silo.Gate.Reached;
            await _silo.Kill();
            _silo = await Start();
            await Record.ExceptionAsync(() => restoring);
            var slot = new RowSlot<KeyRow>(_silo.Rows, GrainId.Create("key", "committed"), RowNames.Key);
            await slot.Read();
            isCommitted = slot.Row is not null;
            if (isCommitted)
            {
                Assert.NotNull(slot.Row!.Restoring);
                Assert.Equal(0, await KeyDatabase.Count(_silo, "okms_row WHERE grain_key = '=committed' AND row_name LIKE 'key.v%'"));
            }
        }

        await ReplaceKek(destroy: true);
        var key = await _silo.Key("committed").Describe(new(TestSilo.Caller));
        await IsWhole("committed", key, first, second);
        await ReplaceKek(destroy: true);
        await IsWhole("committed", key, first, second);
    }

    [Fact]
    public async Task KekReplacedSinceTheBackup_ItOpensUntilThatKekIsDestroyed()
    {
        var (backup, first, second) = await Lost("replaced");
        var kek = new Guid(backup.AsSpan(5, 16), bigEndian: true).ToString("N");
        await ReplaceKek(destroy: false);
        var key = await Backups("replaced").Restore(new(TestSilo.Caller, backup));
        await IsWhole("replaced", key, first, second);
        var newer = (await Backups("replaced").BackUp(new(TestSilo.Caller))).Backup;
        await Lose("replaced");
        await Destroy();
        var refusal = await Assert.ThrowsAsync<KmsException>(() => Backups("replaced").Restore(new(TestSilo.Caller, backup)));
        Assert.Equal("invalid_parameter", refusal.Code);
        Assert.Contains(kek, refusal.Message, StringComparison.Ordinal);
        _time.Advance(TimeSpan.FromSeconds(2));
        key = await Backups("replaced").Restore(new(TestSilo.Caller, newer));
        Assert.Equal(4, key.Versions.Length);
        Assert.Equal(_plaintext, (await Decrypt("replaced", first)).Plaintext);
        Assert.Equal(_plaintext, (await Decrypt("replaced", second)).Plaintext);
    }

    [Fact]
    public async Task BackupOfALiveKey_AfterItsKekIsDestroyed_IsMade()
    {
        await _silo.Create("live");
        await _silo.Key("live").Rotate(new(TestSilo.Caller));
        await ReplaceKek(destroy: true);
        var backup = (await Backups("live").BackUp(new(TestSilo.Caller))).Backup;
        await Lose("live");
        Assert.Equal(3, (await Backups("live").Restore(new(TestSilo.Caller, backup))).Versions.Length);
    }

    private async Task<KeyDescription> Begin(string what, int point, byte[] backup)
    {
        switch (what)
        {
            case "fails once":
                _silo.Gate.FailAt(point, new StorageFailedException("the connection broke", outcomeUnknown: true, new IOException("broken")));
                break;
            case "fails from there on":
                _silo.Gate.FailFrom(point, new StorageFailedException("the connection broke", outcomeUnknown: true, new IOException("broken")));
                break;
            default:
                _silo.Gate.HoldAt(point);
                break;
        }

        return await Backups("faulty").Restore(new(TestSilo.Caller, backup));
    }

    /// <summary>A key with two versions and its backup; the key is gone.</summary>
    private async Task<(byte[] Backup, Encrypted First, Encrypted Second)> Lost(string id)
    {
        await _silo.Create(id);
        var first = await Encrypt(id);
        await _silo.Key(id).Rotate(new(TestSilo.Caller));
        var second = await Encrypt(id);
        var backup = (await Backups(id).BackUp(new(TestSilo.Caller))).Backup;
        await Lose(id);
        return (backup, first, second);
    }

    private async Task Lose(string id)
    {
        await _silo.DisposeAsync();
        await using (var connection = new SqliteConnection($"Data Source={Path.Combine(_folder.FullName, "kms.db")}"))
        {
            await connection.OpenAsync();
            var command = connection.CreateCommand();
            command.CommandText = string.Create(CultureInfo.InvariantCulture, $"DELETE FROM okms_row WHERE grain_key = '={id}'");
            await command.ExecuteNonQueryAsync();
        }

        _silo = await Start();
    }

    private async Task IsWhole(string id, KeyDescription key, Encrypted first, Encrypted second)
    {
        Assert.Equal(3, key.Versions.Length);
        Assert.All(key.Versions, version => Assert.Equal(KeyVersionState.Enabled, version.State));
        Assert.All(key.Versions[..2], version => Assert.True(version.Uses >= 1));
        Assert.Equal(_plaintext, (await Decrypt(id, first)).Plaintext);
        Assert.Equal(_plaintext, (await Decrypt(id, second)).Plaintext);
        var anew = await Encrypt(id);
        Assert.Equal((key.PrimaryVersion, true), (anew.KeyVersion, anew.KeyVersion > KmsLimits.Versions));
        Assert.Equal(_plaintext, (await Decrypt(id, anew)).Plaintext);
        Assert.All(await _silo.Grains.GetGrain<IKeyRowsGrain>(id).Check(new(TestSilo.Caller)), check => Assert.Null(check.Error));
        var events = (await _silo.Grains.GetGrain<IKeyHistoryGrain>(id).Read(new(TestSilo.Caller, 100))).Events;
        Assert.Equal(["keys:restore"], events.Select(e => e.Action));
    }

    private async Task ReplaceKek(bool destroy)
    {
        await _silo.Services.GetRequiredService<KekRotation>().Begin(default);

        // Opened, promoted, resealed: each of them is a beat of the silo.
        for (var beat = 0; beat < 3; beat++) await Beat();
        if (destroy) await Destroy();
    }

    private async Task Destroy()
    {
        foreach (var old in (await _silo.Services.GetRequiredService<KekRecords>().ReadOthers(default)).Where(kek => kek.SupersededAt is not null))
        {
            await Beat();
            await _silo.Services.GetRequiredService<KekRotation>().Destroy(old.Id, default);
            await Beat();
            await Beat();
            Assert.Null(_silo.Services.GetRequiredService<KekRing>().Find(old.Id));
        }
    }

    private async Task Beat()
    {
        await _silo.Services.GetRequiredService<SiloPresence>().Beat(default);
        await _silo.Services.GetServices<IHostedService>().OfType<KekSweep>().Single().Run(default);
    }

    private IKeyBackupsGrain Backups(string id) => _silo.Grains.GetGrain<IKeyBackupsGrain>(id);

    private async Task<Encrypted> Encrypt(string id) => await _silo.Key(id).Encrypt(new(TestSilo.Caller, _plaintext));

    private async Task<Decrypted> Decrypt(string id, Encrypted encrypted) => await _silo.Key(id).Decrypt(new(TestSilo.Caller, encrypted.Ciphertext));
}

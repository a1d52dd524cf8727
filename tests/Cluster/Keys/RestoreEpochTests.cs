using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Presence;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Tests.Cluster.Keys;

/// <summary>A database that is put back from a backup, and what was made since and is forgotten.</summary>
public abstract class RestoreEpochTests(string kind) : IAsyncLifetime, IDisposable
{
    private static readonly byte[] _plaintext = "put back"u8.ToArray();
    private static readonly DateTimeOffset _origin = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private readonly FakeTimeProvider _time = new(_origin.AddDays(300));
    private readonly ChangeLog _log = new();
    private KeyDatabase _database = null!;

    public async Task InitializeAsync() => _database = await KeyDatabase.Make(kind);

    public Task DisposeAsync()
    {
        _database.Dispose();
        return Task.CompletedTask;
    }

    public void Dispose()
    {
        _log.Dispose();
        GC.SuppressFinalize(this);
    }

    private Task<TestSilo> Start() => TestSilo.Start(_database.Options, time: _time, log: _log);

    private Task<RestoreEpoch> Begin() => RestoreEpochStore.Begin(_database.Options, _time, TimeSpan.MaxValue, NullLoggerFactory.Instance, default);

    private int Ceiling => (int)(_time.GetUtcNow() - _origin).TotalSeconds + 4096;

    [Fact]
    public async Task Restored_DecryptsAsBefore_AndEncryptsOnlyUnderANewVersionAboveTheBase()
    {
        Encrypted kept;
        await using (var silo = await Start())
        {
            await silo.Create("key");
            kept = await Encrypt(silo, "key");
        }

        var backup = await _database.Backup();
        var lost = new List<Encrypted>();
        await using (var silo = await Start())
        {
            for (var i = 0; i < 3; i++)
            {
                await silo.Key("key").Rotate(new(TestSilo.Caller));
                lost.Add(await Encrypt(silo, "key"));
            }
        }

        await _database.Restore(backup);
        var epoch = await Begin();
        Assert.Equal(new(1, Ceiling, _time.GetUtcNow()), epoch);
        _time.Advance(TimeSpan.FromSeconds(1));
        await using var restored = await Start();
        Assert.Equal(epoch, restored.Services.GetRequiredService<CurrentEpoch>().Value);

        Assert.Equal(_plaintext, await Decrypt(restored, "key", kept));
        var before = await Describe(restored, "key");
        Assert.Equal((1, 0), (before.PrimaryVersion, before.RestoreEpoch));
        Assert.Equal(0, _log.Count("rotate-after-restore"));

        var encrypted = await Encrypt(restored, "key");
        Assert.Equal(epoch.VersionBase + 1, encrypted.KeyVersion);
        Assert.Equal(1, _log.Count("rotate-after-restore"));
        var after = await Describe(restored, "key");
        Assert.Equal((encrypted.KeyVersion, 1), (after.PrimaryVersion, after.RestoreEpoch));
        Assert.Equal(1, after.Versions.Single(v => v.Version == encrypted.KeyVersion).Uses);
        Assert.DoesNotContain(after.Versions, v => lost.Any(l => l.KeyVersion == v.Version));
        Assert.Equal(_plaintext, await Decrypt(restored, "key", kept));
        Assert.Equal(_plaintext, await Decrypt(restored, "key", encrypted));
        foreach (var forgotten in lost)
        {
            await Refused("invalid_ciphertext", () => Decrypt(restored, "key", forgotten));
        }

        // Only once.
        Assert.Equal(encrypted.KeyVersion, (await Encrypt(restored, "key")).KeyVersion);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(encrypted.KeyVersion + 1, (await restored.Key("key").Rotate(new(TestSilo.Caller))).PrimaryVersion);
    }

    [Fact]
    public async Task KeyCreatedAnewUnderAForgottenId_SharesNoVersionWithItsFormerLife()
    {
        await using (var silo = await Start())
        {
            await silo.Create("other");
        }

        var backup = await _database.Backup();
        Encrypted lost;
        await using (var silo = await Start())
        {
            await silo.Create("again");
            lost = await Encrypt(silo, "again");
        }

        await _database.Restore(backup);
        var epoch = await Begin();
        _time.Advance(TimeSpan.FromSeconds(1));
        await using var restored = await Start();
        Assert.Equal(epoch.VersionBase + 1, (await restored.Create("again")).PrimaryVersion);
        await Refused("invalid_ciphertext", () => Decrypt(restored, "again", lost));
        var encrypted = await Encrypt(restored, "again");
        Assert.Equal(epoch.VersionBase + 1, encrypted.KeyVersion);
        Assert.Equal(_plaintext, await Decrypt(restored, "again", encrypted));
    }

    [Fact]
    public async Task DestructionThatIsDue_RestsForADay_AlsoWhenTheKeyHasANewVersion_AndOneScheduledSinceDoesNot()
    {
        await using (var silo = await Start())
        {
            await silo.Create("key");
            for (var version = 2; version <= 4; version++) await silo.Key("key").Rotate(new(TestSilo.Caller));
            await silo.Versions("key").ScheduleDestruction(new(TestSilo.Caller, 1, TimeSpan.FromHours(1)));
            await silo.Versions("key").ScheduleDestruction(new(TestSilo.Caller, 2, TimeSpan.FromHours(1)));
        }

        var backup = await _database.Backup();
        await _database.Restore(backup);
        _time.Advance(TimeSpan.FromHours(2));
        await Begin();
        _time.Advance(TimeSpan.FromSeconds(1));
        await using var restored = await Start();
        await Encrypt(restored, "key");
        await restored.Versions("key").ScheduleDestruction(new(TestSilo.Caller, 3, TimeSpan.FromHours(1)));
        await restored.Versions("key").CancelDestruction(new(TestSilo.Caller, 2));
        _time.Advance(TimeSpan.FromHours(2));
        Assert.Equal(
            [KeyVersionState.PendingDestruction, KeyVersionState.Disabled, KeyVersionState.Destroyed, KeyVersionState.Enabled, KeyVersionState.Enabled],
            (await Describe(restored, "key")).Versions.Select(v => v.State));

        _time.Advance(TimeSpan.FromHours(22));
        Assert.Equal(
            [KeyVersionState.Destroyed, KeyVersionState.Disabled, KeyVersionState.Destroyed, KeyVersionState.Enabled, KeyVersionState.Enabled],
            (await Describe(restored, "key")).Versions.Select(v => v.State));
    }

    [Fact]
    public async Task DeletionThatIsDue_RestsForADay_AndCanBeCancelledMeanwhile()
    {
        await using (var silo = await Start())
        {
            foreach (var id in (string[])["cancelled", "doomed"])
            {
                await silo.Create(id);
                await silo.Key(id).ScheduleDeletion(new(TestSilo.Caller, TimeSpan.FromDays(2)));
            }
        }

        var backup = await _database.Backup();
        _time.Advance(TimeSpan.FromDays(3));
        await _database.Restore(backup);
        await Begin();
        await using var restored = await Start();
        await Remind(restored, "cancelled", "doomed");
        Assert.Equal(KeyState.PendingDeletion, (await Describe(restored, "doomed")).State);
        Assert.Equal(KeyState.Disabled, (await restored.Key("cancelled").CancelDeletion(new(TestSilo.Caller))).State);

        _time.Advance(TimeSpan.FromHours(24));
        await Remind(restored, "cancelled", "doomed");
        Assert.Equal(KeyState.Destroyed, (await Describe(restored, "doomed")).State);
        await restored.Key("cancelled").Enable(new(TestSilo.Caller));
        await Encrypt(restored, "cancelled");

        static async Task Remind(TestSilo silo, params string[] ids)
        {
            foreach (var id in ids)
            {
                await silo.Grains.GetGrain<IRemindable>(GrainId.Create("key", id)).ReceiveReminder("deletion", default);
            }
        }
    }

    [Fact]
    public async Task EpochThatWasItselfForgotten_IsFollowedByOneAboveAllItsVersions()
    {
        await using (var silo = await Start())
        {
            await silo.Create("key");
        }

        var backup = await _database.Backup();
        var first = await Begin();
        var highest = 0;
        _time.Advance(TimeSpan.FromSeconds(20));
        await using (var silo = await Start())
        {
            // As many as there may be in this time.
            while (true)
            {
                try
                {
                    highest = (await silo.Key("key").Rotate(new(TestSilo.Caller))).PrimaryVersion;
                }
                catch (KmsException e)
                {
                    Assert.Equal("conflict", e.Code);
                    break;
                }
            }
        }

        Assert.Equal(first.VersionBase + 20, highest);
        await _database.Restore(backup);
        var second = await Begin();
        Assert.Equal(1, second.Number);
        Assert.True(second.VersionBase >= highest, $"{second.VersionBase} is below {highest}");
        _time.Advance(TimeSpan.FromSeconds(1));
        await using var restored = await Start();
        Assert.True((await Encrypt(restored, "key")).KeyVersion > highest);
    }

    [Fact]
    public async Task Epochs_OneAfterAnother_RiseAlsoWithinASecondAndNotWithAClockThatWentBack()
    {
        var (first, second) = (await Begin(), await Begin());
        Assert.Equal((1, 2), (first.Number, second.Number));
        Assert.True(second.VersionBase > first.VersionBase);
        await Assert.ThrowsAsync<StartRefusedException>(() => RestoreEpochStore.Begin(
            _database.Options, new FakeTimeProvider(_origin.AddDays(299)), TimeSpan.MaxValue, NullLoggerFactory.Instance, default));
    }

    [Fact]
    public async Task KeyOfExternalOrigin_DecryptsAndRefusesToEncryptUntilAnImport()
    {
        Encrypted kept;
        await using (var silo = await Start())
        {
            await silo.Create("external");
            kept = await Encrypt(silo, "external");
            await silo.Key("external").Describe(new(TestSilo.Caller));
        }

        await using (var silo = await Start())
        {
            // There is no import yet that would make one.
            var slot = new RowSlot<KeyRow>(silo.Rows, GrainId.Create("key", "external"), RowNames.Key);
            await slot.Read();
            await slot.Write(slot.Row! with { Origin = KeyOrigin.External });
        }

        await Begin();
        _time.Advance(TimeSpan.FromSeconds(1));
        await using var restored = await Start();
        Assert.Equal(_plaintext, await Decrypt(restored, "external", kept));
        await Refused("key_pending_import", () => Encrypt(restored, "external"));
        Assert.Equal("key_pending_import", (await restored.Key("external").Validate(new(TestSilo.Caller))).Error);
    }

    private protected async Task RefusesWhile(Func<TestSilo, Task> runs)
    {
        await using (var silo = await Start())
        {
            await runs(silo);
            await Assert.ThrowsAsync<StartRefusedException>(Begin);
        }
    }

    private protected Task<TestSilo> StartOne() => Start();

    protected Task<RestoreEpoch> BeginOne() => Begin();

    private protected static async Task<Encrypted> Encrypt(TestSilo silo, string id) =>
        await silo.Key(id).Encrypt(new(TestSilo.Caller, _plaintext));

    private static async Task<byte[]> Decrypt(TestSilo silo, string id, Encrypted encrypted) =>
        (await silo.Key(id).Decrypt(new(TestSilo.Caller, encrypted.Ciphertext))).Plaintext;

    private static Task<KeyDescription> Describe(TestSilo silo, string id) => silo.Key(id).Describe(new(TestSilo.Caller));

    protected static async Task Refused(string code, Func<Task> operation) =>
        Assert.Equal(code, (await Assert.ThrowsAsync<KmsException>(operation)).Code);
}

[Trait("database", "sqlite")]
public sealed class SqliteRestoreEpochTests() : RestoreEpochTests("sqlite")
{
    [Fact]
    public Task WhileTheServiceRuns_IsRefused() => RefusesWhile(_ => Task.CompletedTask);
}

[Trait("database", "postgres")]
public sealed class PostgresRestoreEpochTests() : RestoreEpochTests("postgres")
{
    private const string Member =
        """
        CREATE TABLE IF NOT EXISTS okms_membership_version (
          cluster_id text PRIMARY KEY, version integer NOT NULL);
        CREATE TABLE IF NOT EXISTS okms_membership (
          cluster_id text NOT NULL, address text NOT NULL, port integer NOT NULL, generation integer NOT NULL,
          silo_name text NOT NULL, host_name text NOT NULL, status integer NOT NULL, proxy_port integer NOT NULL,
          suspect_times text, start_time timestamptz NOT NULL, i_am_alive_time timestamptz NOT NULL);
        INSERT INTO okms_membership_version (cluster_id, version) VALUES ('okms', 1);
        INSERT INTO okms_membership (cluster_id, address, port, generation, silo_name, host_name, status, proxy_port, start_time, i_am_alive_time)
        VALUES ('okms', '127.0.0.1', 11111, 1, 's', 'h', 3, 0, now(), now());
        """;

    [Fact]
    public async Task WhileASiloIsActive_IsRefused_AndSilosOfTheBackupDoNotCount()
    {
        await RefusesWhile(silo => KeyDatabase.Scalar(silo, Member));
        await using (var silo = await StartOne())
        {
            await KeyDatabase.Scalar(silo, "UPDATE okms_membership SET i_am_alive_time = now() - interval '1 day'");
        }

        Assert.Equal(1, (await BeginOne()).Number);
        await using var restored = await StartOne();
        Assert.Equal(0, await KeyDatabase.Count(restored, "okms_membership"));
    }

    [Fact]
    public Task WhileASiloSigns_ThatTheMembershipHasForgotten_IsRefused() => RefusesWhile(_ => Task.CompletedTask);

    [Fact]
    public async Task SiloLeftOverFromBefore_AnswersNothingMore()
    {
        await using var left = await StartOne();
        await left.Create("left");
        await Encrypt(left, "left");
        await BeginUnseen(left);
        await left.Fence.NextPoll();
        await Refused("storage_unavailable", () => Encrypt(left, "left"));
        await Refused("storage_unavailable", () => left.Key("left").Describe(new(TestSilo.Caller)));
    }

    /// <summary>As if the silo could not have signed for a while.</summary>
    private async Task BeginUnseen(TestSilo silo)
    {
        for (var attempt = 1; ; attempt++)
        {
            await KeyDatabase.Scalar(silo, "UPDATE okms_silo SET seen_at = now() - interval '1 minute'");
            try
            {
                Assert.Equal(1, (await BeginOne()).Number);
                return;
            }
            catch (StartRefusedException) when (attempt < 20)
            {
                // It has signed in between.
            }
        }
    }
}

using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using OrleansKms.Grains.Presence;
using OrleansKms.Grains.Root;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Tests.Cluster.Keys;

/// <summary>A key's history on a real database: what is in it, and what becomes of it in crashes, races, restores and upgrades.</summary>
public abstract class KeyHistoryTests(string kind) : IAsyncLifetime
{
    private const int InARow = 16;
    private static readonly TimeSpan _hour = TimeSpan.FromHours(1);
    private readonly FakeTimeProvider _time = new(new(2026, 11, 29, 12, 0, 0, TimeSpan.Zero));
    private KeyDatabase _database = null!;

    public async Task InitializeAsync() => _database = await KeyDatabase.Make(kind);

    public Task DisposeAsync()
    {
        _database.Dispose();
        return Task.CompletedTask;
    }

    private protected Task<TestSilo> Start() => TestSilo.Start(
        _database.Options with { PresenceInterval = TimeSpan.FromSeconds(20), ResealRate = 100_000 }, time: _time);

    [Fact]
    public async Task EveryChange_IsAnEvent_AlsoWhatTheKeyDoesByItself_AndADestroyedKeyKeepsThem()
    {
        await using (var silo = await Start())
        {
            var (key, versions) = (silo.Key("told"), silo.Versions("told"));
            await silo.Create("told", new(_hour * 24, 1000));
            await key.Update(new() { Caller = TestSilo.Caller, Description = new(true, "a secret text"), Rotation = new(true, new(_hour, 2)) });
            for (var i = 0; i < 3; i++) await key.Encrypt(new(TestSilo.Caller, [1]));
            _time.Advance(_hour);
            await key.Describe(new(TestSilo.Caller));
            await key.Rotate(new(TestSilo.Caller with { Credential = "token:17" }));
            await key.Update(new() { Caller = TestSilo.Caller, MinDecryptVersion = 2 });
            await key.DisableVersion(new(TestSilo.Caller, 2));
            await key.EnableVersion(new(TestSilo.Caller, 2));
            await versions.ScheduleDestruction(new(TestSilo.Caller, 1, _hour));
            await versions.CancelDestruction(new(TestSilo.Caller, 1));
            await versions.ScheduleDestruction(new(TestSilo.Caller, 1, _hour));
            await versions.ScheduleDestruction(new(TestSilo.Caller, 2, _hour));
            await key.Update(new() { Caller = TestSilo.Caller, Rotation = new(true, null) });
            _time.Advance(_hour);
            await key.Describe(new(TestSilo.Caller));
            await key.Disable(new(TestSilo.Caller));
            await key.Enable(new(TestSilo.Caller));

            // What changes nothing is none.
            await key.Enable(new(TestSilo.Caller));
            await Assert.ThrowsAsync<KmsException>(() => key.CancelDeletion(new(TestSilo.Caller)));
            await key.ScheduleDeletion(new(TestSilo.Caller, _hour));
            await key.CancelDeletion(new(TestSilo.Caller));
            await key.ScheduleDeletion(new(TestSilo.Caller, _hour));
            _time.Advance(_hour);
            Assert.Equal(KeyState.Destroyed, (await key.Describe(new(TestSilo.Caller))).State);
        }

        await using var restarted = await Start();
        var (events, last) = await All(restarted, "told");
        Assert.True(last is { Verified: true, IsComplete: true });
        Assert.Equal(
            [
                "create 1 test", "update - test description, rotation", "rotate-by-plan 2 okms by use", "rotate-by-plan 3 okms by time",
                "rotate 4 test", "update 2 test min_decrypt_version", "disable-version 2 test", "enable-version 2 test",
                "schedule-destruction 1 test due 2026-11-29T14:00:00Z", "cancel-destruction 1 test", "schedule-destruction 1 test due 2026-11-29T14:00:00Z",
                "schedule-destruction 2 test due 2026-11-29T14:00:00Z", "update - test rotation", "destroy-version - okms versions 1, 2",
                "erase - okms versions 1, 2", "disable - test", "enable - test", "schedule-deletion - test due 2026-11-29T15:00:00Z",
                "cancel-deletion - test", "schedule-deletion - test due 2026-11-29T15:00:00Z", "destroy - okms", "erase - okms versions 3, 4",
            ],
            events.AsEnumerable().Reverse().Select(Brief));
        Assert.Equal(Enumerable.Range(1, events.Count).Reverse().Select(i => (long)i), events.Select(e => e.Number));
        Assert.Equal("token:17", events.Single(e => e.Action == "keys:rotate").Credential);
        Assert.Equal(("local", "request-1"), (events[^1].Source, events[^1].RequestId));
        Assert.Equal(new DateTimeOffset(2026, 11, 29, 12, 0, 0, TimeSpan.Zero), events[^1].Time);

        var key404 = await Assert.ThrowsAsync<KmsException>(() => Page(restarted, "nobody"));
        Assert.Equal("key_not_found", key404.Code);
        Assert.Equal("invalid_parameter", (await Assert.ThrowsAsync<KmsException>(() => Page(restarted, "told", after: "x"))).Code);
        Assert.Equal("invalid_parameter", (await Assert.ThrowsAsync<KmsException>(() => Page(restarted, "told", limit: 0))).Code);
    }

    [Fact]
    public async Task Blocks_AreSealedAnewWithTheOthers_AndARowCheckNamesThem()
    {
        await using var silo = await Start();
        await silo.Create("resealed");
        await Change(silo, "resealed", 40);
        await ReplaceKek(silo);
        var (events, last) = await All(silo, "resealed");
        Assert.Equal((41, true), (events.Count, last.Verified));
        Assert.Equal(["key", "key.usage", "key.v1", "key.h1", "key.h2"], await Checked(silo, "resealed"));

        // A block that does not open harms no use of the key, and no other block.
        var payload = await Payload(silo, "key.h2");
        payload[^1] ^= 1;
        await Put(silo, "key.h2", payload);
        Assert.Equal(["key", "key.usage", "key.v1", "key.h1", "key.h2 key_corrupted"], await Checked(silo, "resealed"));
        (events, last) = await All(silo, "resealed");
        Assert.Equal((25, false, 32L), (events.Count, last.Verified, last.BrokenAt));
        await silo.Key("resealed").Encrypt(new(TestSilo.Caller, [1]));
        await Change(silo, "resealed", 20);
        Assert.Equal(["key", "key.usage", "key.v1", "key.h1", "key.h2 key_corrupted", "key.h3"], await Checked(silo, "resealed"));

        // Moved to another place, it is none of that place.
        await KeyDatabase.Scalar(silo, "DELETE FROM okms_row WHERE row_name = 'key.h2'");
        await KeyDatabase.Scalar(silo, "UPDATE okms_row SET row_name = 'key.h2' WHERE row_name = 'key.h1'");
        Assert.False((await All(silo, "resealed")).Last.Verified);
        await Change(silo, "resealed", 1);
    }

    [Fact]
    public async Task KeyOfAnOlderProgram_HasNoHistoryUntilTheLevelIsRaised_AndBeginsWithItsNextChange()
    {
        await using (var silo = await Start())
        {
            await KeyDatabase.Scalar(silo, "UPDATE okms_schema SET least_program_version = 1, feature_level = 3");
        }

        await using var old = await Start();
        await old.Create("grown");
        await Change(old, "grown", 20);
        var (events, last) = await All(old, "grown");
        Assert.Equal((0, true, false), (events.Count, last.Verified, last.IsComplete));

        await old.Services.GetRequiredService<FeatureLevels>().Raise(default);
        await Change(old, "grown", 20);
        (events, last) = await All(old, "grown");
        Assert.Equal((20, true, false), (events.Count, last.Verified, last.IsComplete));
        Assert.Equal(22, events[^1].Revision);
    }

    /// <summary>The change that moves events into a block, cut off at each of its steps: before it, with the block, with the commit.</summary>
    [Fact]
    public async Task Change_FailingAtEachAwait_LosesNoEventAndRepeatsNone()
    {
        await using var silo = await Start();
        for (var point = 0; ; point++)
        {
            var id = $"cut.{point}";
            await silo.Create(id);
            await Change(silo, id, InARow - 1);
            silo.Gate.FailAt(point, new StorageFailedException("the connection broke", outcomeUnknown: true, new IOException("broken")));
            var failure = await Record.ExceptionAsync(() => Change(silo, id, 1, "cut off"));
            silo.Gate.HoldAt(-1);
            await Change(silo, id, 2);
            var (events, last) = await All(silo, id);
            Assert.True(last.Verified, $"failed at {point}");
            Assert.InRange(events.Count, InARow + 2, InARow + 3);
            Assert.All(events, e => Assert.Equal((e.Number, false), (e.Revision, e.IsLeft)));
            Assert.Equal(events.Count, events.Select(e => e.Number).Distinct().Count());
            Assert.DoesNotContain(await Checked(silo, id), row => row.StartsWith("key.h2", StringComparison.Ordinal) || row.Contains(' ', StringComparison.Ordinal));
            if (failure is null)
            {
                Assert.True(point > 3, "nothing failed");
                return;
            }
        }
    }

    [Fact]
    public async Task RowPutBackFromADayBefore_ShowsWhereItsChainWasLeft_AndGoesOnBesideIt()
    {
        byte[] earlier;
        await using (var silo = await Start())
        {
            await silo.Create("put.back");
            await Change(silo, "put.back", 19);
            earlier = await Payload(silo, "key");
            await Change(silo, "put.back", 40, "lost");
        }

        await using (var silo = await Start())
        {
            await Put(silo, "key", earlier);
        }

        await RestoreEpochStore.Begin(_database.Options, _time, TimeSpan.MaxValue, NullLoggerFactory.Instance, default);
        _time.Advance(TimeSpan.FromSeconds(1));
        await using var restored = await Start();
        var (events, last) = await All(restored, "put.back");
        Assert.True(last.Verified);
        Assert.Equal(Enumerable.Range(1, 20).Reverse().Select(i => (long)i), events.Where(e => !e.IsLeft).Select(e => e.Number));
        Assert.Equal(Enumerable.Range(21, 28).Reverse().Select(i => (long)i), events.Where(e => e.IsLeft).Select(e => e.Number));

        await restored.Key("put.back").Encrypt(new(TestSilo.Caller, [1]));
        await Change(restored, "put.back", 20);
        (events, last) = await All(restored, "put.back");
        Assert.True(last.Verified);
        Assert.Equal(Enumerable.Range(1, 42).Reverse().Select(i => (long)i), events.Where(e => !e.IsLeft).Select(e => e.Number));
        Assert.Equal(28, events.Count(e => e.IsLeft));
        var marked = events.Single(e => e.Action == "keys:restored");
        Assert.Equal((21, 1, "okms"), (marked.Number, marked.RestoreEpoch, marked.Principal));
        Assert.Equal("keys:rotate-after-restore", events.Single(e => e is { Number: 22, IsLeft: false }).Action);
        Assert.DoesNotContain(await Checked(restored, "put.back"), row => row.Contains(' ', StringComparison.Ordinal));
    }

    private protected static async Task Change(TestSilo silo, string id, int times, string text = "change")
    {
        for (var i = 0; i < times; i++)
        {
            await silo.Key(id).Update(new() { Caller = TestSilo.Caller, Description = new(true, $"{text} {Guid.NewGuid()}") });
        }
    }

    private protected static Task<KeyHistoryPage> Page(TestSilo silo, string id, int limit = 1000, string? after = null) =>
        silo.Grains.GetGrain<IKeyHistoryGrain>(id).Read(new(TestSilo.Caller, limit, after));

    private protected static async Task<(List<KeyHistoryEvent> Events, KeyHistoryPage Last)> All(TestSilo silo, string id)
    {
        var page = await Page(silo, id, 9);
        var events = page.Events.ToList();
        while (page.Next is { } next)
        {
            page = await Page(silo, id, 9, next);
            events.AddRange(page.Events);
        }

        var whole = await Page(silo, id);
        Assert.Equal(whole.Events.Select(e => (e.Hash, e.IsLeft)), events.Select(e => (e.Hash, e.IsLeft)));
        Assert.Equal((whole.Verified, whole.BrokenAt, whole.Next), (page.Verified, page.BrokenAt, null));
        return (events, page);
    }

    private static string Brief(KeyHistoryEvent e) =>
        $"{e.Action["keys:".Length..]} {e.Version?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "-"} {e.Principal} {e.Reason}".TrimEnd();

    private static async Task<List<string>> Checked(TestSilo silo, string id) =>
        [.. (await silo.Grains.GetGrain<IKeyRowsGrain>(id).Check(new(TestSilo.Caller))).Select(row => $"{row.Row} {row.Error}".TrimEnd())];

    private static async Task<byte[]> Payload(TestSilo silo, string row) =>
        (byte[])(await KeyDatabase.Scalar(silo, $"SELECT payload FROM okms_row WHERE row_name = '{row}'"))!;

    private static async Task Put(TestSilo silo, string row, byte[] payload)
    {
        await using var connection = await silo.Services.GetRequiredService<Database>().Connections.OpenConnectionAsync();
        await using var command = connection.Command("UPDATE okms_row SET payload = @payload WHERE row_name = @row", ("payload", payload), ("row", row));
        Assert.Equal(1, await command.ExecuteNonQueryAsync());
    }

    private static async Task ReplaceKek(TestSilo silo)
    {
        var services = silo.Services;
        var (ring, rotation, presence) = (services.GetRequiredService<KekRing>(), services.GetRequiredService<KekRotation>(), services.GetRequiredService<SiloPresence>());
        var old = ring.Current.Id;
        await rotation.Begin(default);
        await presence.Beat(default);
        await services.GetServices<IHostedService>().OfType<KekSweep>().Single().Run(default);
        await presence.Beat(default);
        await rotation.Destroy(old, default);
        await presence.Beat(default);
        await presence.Beat(default);
        Assert.Null(ring.Find(old));
    }
}

[Trait("database", "sqlite")]
public sealed class SqliteKeyHistoryTests() : KeyHistoryTests("sqlite");

[Trait("database", "postgres")]
public sealed class PostgresKeyHistoryTests() : KeyHistoryTests("postgres")
{
    /// <summary>Two activations, of which one is held at each await of the change that moves events into a block, while the other changes the key.</summary>
    [Fact]
    public async Task TwoActivations_OneHeldAtEachAwait_LeaveOneChain()
    {
        await using var held = await Start();
        await using var other = await Start();
        var reached = true;
        for (var point = 0; reached; point++)
        {
            var id = $"raced.{point}";
            await held.Create(id);
            await Change(held, id, 15);
            Assert.Equal(16, (await All(other, id)).Events.Count);
            held.Gate.HoldAt(point);
            var running = Acknowledged(held, id, 1);
            await Task.WhenAny(held.Gate.Reached, running);
            reached = held.Gate.Reached.IsCompleted;
            var acknowledged = 16;
            if (reached)
            {
                acknowledged += await Acknowledged(other, id, 20);
                Assert.True(acknowledged > 30, "the other one got nowhere");
                held.Gate.Release();
            }

            acknowledged += await running;
            held.Gate.HoldAt(-1);
            foreach (var silo in (TestSilo[])[held, other])
            {
                var (events, last) = await All(silo, id);
                Assert.True(last.Verified, $"held at {point}");
                Assert.Equal(acknowledged, events.Count);
                Assert.All(events, e => Assert.Equal((e.Number, false), (e.Revision, e.IsLeft)));
            }
        }
    }

    /// <summary>How many of the changes were made; one that lost the race was not.</summary>
    private static async Task<int> Acknowledged(TestSilo silo, string id, int times)
    {
        var made = 0;
        for (var i = 0; i < times; i++)
        {
            var failure = await Record.ExceptionAsync(() => Change(silo, id, 1));
            Assert.True(failure is null or KmsException { Code: "conflict" }, failure?.ToString());
            made += failure is null ? 1 : 0;
        }

        return made;
    }
}

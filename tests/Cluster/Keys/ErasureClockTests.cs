using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using OrleansKms.Grains.Clocks;
using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Presence;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Tests.Cluster.Keys;

/// <summary>A silo whose clock is wrong, on a real Postgres whose clock is right.</summary>
public sealed class ErasureClockTests : IAsyncLifetime
{
    private readonly FakeTimeProvider _time = new(TimeProvider.System.GetUtcNow());
    private readonly ConcurrentBag<MovedDatabaseClock> _references = [];
    private KeyDatabase _database = null!;
    private TestSilo _silo = null!;

    private ClockWatch Watch => _silo.Services.GetRequiredService<ClockWatch>();

    private MovedDatabaseClock Reference => Assert.Single(_references);

    public async Task InitializeAsync()
    {
        _database = await KeyDatabase.Make("postgres");
        _silo = await TestSilo.Start(
            _database.Options, time: _time, keys: new() { MinDeletionDelay = TimeSpan.FromHours(1) },
            services: services => services.AddSingleton<ReferenceClock>(provider =>
            {
                var clock = new MovedDatabaseClock(provider.GetRequiredService<Database>());
                _references.Add(clock);
                return clock;
            }));
    }

    public async Task DisposeAsync()
    {
        await _silo.DisposeAsync();
        _database.Dispose();
    }

    [Fact]
    public async Task Erasure_DueByOneClockOnly_WaitsUntilBothAgree()
    {
        await _silo.Create("waits");
        var slot = new RowSlot<KeyRow>(_silo.Rows, GrainId.Create("key", "waits"), RowNames.Key);
        await slot.Read();
        var material = slot.Row!.Material!.Sealed;
        await _silo.Key("waits").ScheduleDeletion(new(TestSilo.Caller, TimeSpan.FromHours(1)));

        // This silo's clock jumps, as a wrong answer of a time server makes it. The reminder comes, too.
        _time.Advance(TimeSpan.FromDays(400));
        Assert.Equal(KeyState.PendingDeletion, (await Describe("waits")).State);
        await Remind("waits");
        Assert.True(await KeyDatabase.Holds(_silo, material));
        Assert.Equal(1, await KeyDatabase.Count(_silo, "okms_reminder"));
        Assert.Equal(KeyState.Disabled, (await _silo.Key("waits").CancelDeletion(new(TestSilo.Caller))).State);

        // The other way round: the database's clock is wrong, and this silo's is right.
        var description = await _silo.Key("waits").ScheduleDeletion(new(TestSilo.Caller, TimeSpan.FromHours(1)));
        Reference.Ahead = TimeSpan.FromDays(800);
        await Remind("waits");
        Assert.Equal(KeyState.PendingDeletion, (await Describe("waits")).State);

        _time.SetUtcNow(description.DeletionAt!.Value);
        await Remind("waits");
        Assert.Equal(KeyState.Destroyed, (await Describe("waits")).State);
        Assert.False(await KeyDatabase.Holds(_silo, material));
        Assert.Equal(0, await KeyDatabase.Count(_silo, "okms_reminder"));
    }

    [Fact]
    public async Task DestructionOfAVersion_DueByOneClockOnly_WaitsUntilBothAgree()
    {
        await _silo.Create("versions");
        for (var version = 2; version <= 3; version++) await _silo.Key("versions").Rotate(new(TestSilo.Caller));
        await _silo.Versions("versions").ScheduleDestruction(new(TestSilo.Caller, 1, TimeSpan.FromHours(1)));
        await _silo.Versions("versions").ScheduleDestruction(new(TestSilo.Caller, 2, TimeSpan.FromDays(10)));

        _time.Advance(TimeSpan.FromDays(400));
        await Are(KeyVersionState.PendingDestruction, KeyVersionState.PendingDestruction);

        // The first is due by both clocks now, the second still by one.
        Reference.Ahead = TimeSpan.FromHours(2);
        await Are(KeyVersionState.Destroyed, KeyVersionState.PendingDestruction);

        // The other way round.
        await _silo.Versions("versions").ScheduleDestruction(new(TestSilo.Caller, 2, TimeSpan.FromHours(1)));
        Reference.Ahead = TimeSpan.FromDays(800);
        await Are(KeyVersionState.Destroyed, KeyVersionState.PendingDestruction);
        _time.Advance(TimeSpan.FromHours(1));
        await Are(KeyVersionState.Destroyed, KeyVersionState.Destroyed);

        async Task Are(params KeyVersionState[] states)
        {
            await Remind("versions");
            Assert.Equal([.. states, KeyVersionState.Enabled], (await Describe("versions")).Versions.Select(v => v.State));
        }
    }

    [Fact]
    public async Task DeletionAndDestruction_ScheduledByAClockThatIsBehind_WaitAsLongAsTheyWereTold()
    {
        await _silo.Create("early");
        await _silo.Key("early").Rotate(new(TestSilo.Caller));
        Reference.Ahead = TimeSpan.FromDays(30);

        var version = (await _silo.Versions("early").ScheduleDestruction(new(TestSilo.Caller, 1, TimeSpan.FromHours(1)))).Versions[0];
        var description = await _silo.Key("early").ScheduleDeletion(new(TestSilo.Caller, TimeSpan.FromHours(1)));

        Assert.InRange(version.DestroyAt!.Value, _time.GetUtcNow() + TimeSpan.FromDays(30), _time.GetUtcNow() + TimeSpan.FromDays(31));
        Assert.InRange(description.DeletionAt!.Value, _time.GetUtcNow() + TimeSpan.FromDays(30), _time.GetUtcNow() + TimeSpan.FromDays(31));
    }

    [Theory]
    [InlineData(32, "ahead of")]
    [InlineData(-32, "behind")]
    public async Task Clock_ThatIsOff_MakesTheSiloNotReady_SaysWhy_AndIsForgivenWhenItIsRight(int seconds, string word)
    {
        _time.SetUtcNow(TimeProvider.System.GetUtcNow());
        await Watch.Compare(default);
        Assert.Null(await Problem());

        Reference.Ahead = -TimeSpan.FromSeconds(seconds);
        _time.SetUtcNow(Max(_time.GetUtcNow(), TimeProvider.System.GetUtcNow()));
        await Watch.Compare(default);
        var problem = await Problem();
        Assert.Contains(word, problem, StringComparison.Ordinal);
        Assert.Contains("at most 30 s", problem, StringComparison.Ordinal);

        Reference.Ahead = TimeSpan.Zero;
        _time.SetUtcNow(Max(_time.GetUtcNow(), TimeProvider.System.GetUtcNow()));
        await Watch.Compare(default);
        Assert.Null(await Problem());
    }

    [Fact]
    public async Task RotationByTime_WaitsForAClockThatAgrees()
    {
        await _silo.Create("planned", new(TimeSpan.FromDays(1), null));
        _time.Advance(TimeSpan.FromDays(2));
        await Watch.Compare(default);
        Assert.NotNull(await Problem());
        Assert.Equal(1, (await Describe("planned")).PrimaryVersion);

        Reference.Ahead = TimeSpan.FromDays(2);
        await Watch.Compare(default);
        Assert.Null(await Problem());
        Assert.Equal(2, (await Describe("planned")).PrimaryVersion);
    }

    [Fact]
    public async Task RestoreEpoch_ByAClockThatIsNotTheDatabases_IsRefused()
    {
        var behind = new FakeTimeProvider(TimeProvider.System.GetUtcNow().AddMinutes(-1));
        var refusal = await Assert.ThrowsAsync<StartRefusedException>(
            () => RestoreEpochStore.Begin(_database.Options, behind, NullLoggerFactory.Instance, default));
        Assert.Contains("put the wrong one right", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task EmbeddedDatabase_ErasesOnlyWhatIsDueByTheTimeThatHasPassed()
    {
        var boot = new MovedClock();
        var clocks = new ErasureClock(_time, new UptimeClock(_time, boot), NullLogger<ErasureClock>.Instance);
        var at = await clocks.After(TimeSpan.FromHours(1));
        _time.Advance(TimeSpan.FromDays(400));
        Assert.False(await clocks.IsPast(at));
        boot.Advance(TimeSpan.FromHours(1));
        Assert.True(await clocks.IsPast(at));
    }

    private static DateTimeOffset Max(DateTimeOffset one, DateTimeOffset other) => one > other ? one : other;

    private Task<KeyDescription> Describe(string id) => _silo.Key(id).Describe(new(TestSilo.Caller));

    private Task Remind(string id) =>
        _silo.Grains.GetGrain<IRemindable>(GrainId.Create("key", id)).ReceiveReminder("deletion", default);

    private async Task<string?> Problem() =>
        (await _silo.Grains.GetGrain<IHealthGrain>(0).Check(new(TestSilo.Caller))).ClockProblem;

    /// <summary>The clock of the real database, which a test sets.</summary>
    private sealed class MovedDatabaseClock(Database database) : DatabaseClock(database)
    {
        public TimeSpan Ahead { get; set; }

        public override async Task<DateTimeOffset> Now(CancellationToken cancellationToken) => await base.Now(cancellationToken) + Ahead;
    }
}

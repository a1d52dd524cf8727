namespace OrleansKms.Tests.Cluster.Storage;

/// <summary>The reminder table, on every database.</summary>
public abstract class ReminderConformance(StorageFixture fixture)
{
    private readonly IReminderTable _table = fixture.Silo.Reminders;

    private static GrainId NewGrain(int length = 32) =>
        GrainId.Create("reminded", Guid.NewGuid().ToString("N").PadRight(length, 'x'));

    private static ReminderEntry Entry(GrainId grain, TimeSpan dueIn, string name = "delete") => new()
    {
        GrainId = grain,
        ReminderName = name,
        // Whole milliseconds: what every database keeps.
        StartAt = DateTime.UnixEpoch.AddMilliseconds(Math.Floor((DateTime.UtcNow + dueIn - DateTime.UnixEpoch).TotalMilliseconds)),
        Period = TimeSpan.FromMinutes(10),
    };

    [Fact]
    public async Task Upsert_ThenRead_ReturnsTheReminder()
    {
        var entry = Entry(NewGrain(), TimeSpan.FromDays(30));

        var etag = await _table.UpsertRow(entry);
        var read = await _table.ReadRow(entry.GrainId, entry.ReminderName);

        Assert.NotNull(read);
        Assert.Equal(entry.GrainId, read.GrainId);
        Assert.Equal(entry.ReminderName, read.ReminderName);
        Assert.Equal(entry.StartAt, read.StartAt);
        Assert.Equal(DateTimeKind.Utc, read.StartAt.Kind);
        Assert.Equal(entry.Period, read.Period);
        Assert.Equal(etag, read.ETag);
    }

    [Fact]
    public async Task Upsert_Again_ChangesTheReminderAndItsETag()
    {
        var entry = Entry(NewGrain(), TimeSpan.FromDays(30));
        var first = await _table.UpsertRow(entry);
        entry.StartAt = entry.StartAt.AddDays(1);
        entry.Period = TimeSpan.FromDays(60);

        var second = await _table.UpsertRow(entry);
        var read = await _table.ReadRow(entry.GrainId, entry.ReminderName);

        Assert.NotEqual(first, second);
        Assert.Equal(entry.StartAt, read!.StartAt);
        Assert.Equal(entry.Period, read.Period);
        Assert.Equal(second, read.ETag);
    }

    [Fact]
    public async Task ReadRow_None_IsNull() => Assert.Null(await _table.ReadRow(NewGrain(), "none"));

    [Fact]
    public async Task ReadRows_OfAGrain_ReturnsAllOfItAndNoOther()
    {
        var grain = NewGrain();
        await _table.UpsertRow(Entry(grain, TimeSpan.FromDays(1), "a"));
        await _table.UpsertRow(Entry(grain, TimeSpan.FromDays(90), "b"));
        await _table.UpsertRow(Entry(NewGrain(), TimeSpan.FromDays(1), "c"));

        var rows = await _table.ReadRows(grain);

        Assert.Equal(["a", "b"], rows.Reminders.Select(r => r.ReminderName).Order());
    }

    [Fact]
    public async Task Upsert_GrainIdOf300Characters_IsKeptWhole()
    {
        var grain = NewGrain(300);
        await _table.UpsertRow(Entry(grain, TimeSpan.FromMinutes(1)));

        Assert.Equal(grain, (await _table.ReadRow(grain, "delete"))!.GrainId);
    }

    [Fact]
    public async Task ReadRows_OfARange_ReturnsOnlyWhatIsDueWithin20Minutes()
    {
        var soon = NewGrain();
        var late = NewGrain();
        var past = NewGrain();
        await _table.UpsertRow(Entry(soon, TimeSpan.FromMinutes(19)));
        await _table.UpsertRow(Entry(late, TimeSpan.FromMinutes(21)));
        await _table.UpsertRow(Entry(past, TimeSpan.FromDays(-3)));

        // The whole ring: a range that ends where it begins.
        var all = (await _table.ReadRows(0, 0)).Reminders.Select(r => r.GrainId).ToHashSet();

        Assert.Contains(soon, all);
        Assert.Contains(past, all);
        Assert.DoesNotContain(late, all);
    }

    [Fact]
    public async Task ReadRows_AnyTwoHalvesOfTheRing_ShareNoReminderAndMissNone()
    {
        var grains = Enumerable.Range(0, 40).Select(_ => NewGrain()).ToHashSet();
        foreach (var grain in grains)
        {
            await _table.UpsertRow(Entry(grain, TimeSpan.FromMinutes(1)));
        }

        foreach (var (a, b) in new[] { (0u, 0x8000_0000u), (0x4000_0000u, 0xC000_0000u), (0x7FFF_FFFFu, 0x8000_0001u), (1u, 2u) })
        {
            var first = await Grains(a, b);
            var second = await Grains(b, a);

            Assert.Empty(first.Intersect(second));
            Assert.Equal(grains.Count, first.Concat(second).Count(grains.Contains));
            Assert.All(first, g => Assert.True(a < b ? g.GetUniformHashCode() > a && g.GetUniformHashCode() <= b
                : g.GetUniformHashCode() > a || g.GetUniformHashCode() <= b));
        }
    }

    [Fact]
    public async Task Remove_CurrentETagOnly()
    {
        var entry = Entry(NewGrain(), TimeSpan.FromDays(1));
        var old = await _table.UpsertRow(entry);
        var current = await _table.UpsertRow(entry);

        Assert.False(await _table.RemoveRow(entry.GrainId, entry.ReminderName, old!));
        Assert.NotNull(await _table.ReadRow(entry.GrainId, entry.ReminderName));
        Assert.True(await _table.RemoveRow(entry.GrainId, entry.ReminderName, current!));
        Assert.Null(await _table.ReadRow(entry.GrainId, entry.ReminderName));
        Assert.False(await _table.RemoveRow(entry.GrainId, entry.ReminderName, current!));
    }

    private async Task<List<GrainId>> Grains(uint begin, uint end) =>
        [.. (await _table.ReadRows(begin, end)).Reminders.Select(r => r.GrainId)];
}

[Trait("database", "sqlite")]
public sealed class SqliteReminders(SqliteFixture fixture) : ReminderConformance(fixture), IClassFixture<SqliteFixture>;

[Trait("database", "postgres")]
public sealed class PostgresReminders(PostgresFixture fixture) : ReminderConformance(fixture), IClassFixture<PostgresFixture>;

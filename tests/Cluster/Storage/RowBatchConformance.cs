using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Orleans.Storage;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;
using static OrleansKms.Tests.Cluster.Storage.StorageSilo;

namespace OrleansKms.Tests.Cluster.Storage;

/// <summary>Rows that are written together, each with its own outcome; and two rows that are inserted both or neither.</summary>
public abstract class RowBatchConformance(StorageFixture fixture)
{
    private const string ServiceId = "storage-tests";

    private readonly FakeTimeProvider _time = new();

    protected StorageSilo Silo => fixture.Silo;

    private IPairedRows Pairs => (IPairedRows)Silo.Rows;

    protected static string NewId() => Guid.NewGuid().ToString("N");

    /// <summary>Keeps every transaction with rows waiting, until the result is disposed.</summary>
    protected abstract Task<IAsyncDisposable> Hold();

    [Fact]
    public async Task InsertBoth_ThenRead_BothAreThere_AndAreChangedLikeOthers()
    {
        var id = NewId();
        var (first, second) = await InsertBoth(id, "first", "second");

        Assert.Equal(("1", "1"), (first.ETag, second.ETag));
        Assert.Equal(("first", "1"), Content(await Silo.Read(id)));
        Assert.Equal(("second", "1"), Content(await Silo.Read(id, RowNames.KeyUsage)));
        await Silo.Write(id, Note("changed"), second.ETag, RowNames.KeyUsage);
        Assert.Equal(("changed", "2"), Content(await Silo.Read(id, RowNames.KeyUsage)));
    }

    [Theory]
    [InlineData(RowNames.Key, RowNames.KeyUsage)]
    [InlineData(RowNames.KeyUsage, RowNames.Key)]
    public async Task InsertBoth_WhereOneExists_LosesTheRace_AndWritesNeither(string existing, string other)
    {
        var id = NewId();
        await Silo.Write(id, Note("before"), name: existing);

        await Assert.ThrowsAsync<InconsistentStateException>(() => InsertBoth(id, "first", "second"));

        Assert.Equal(("before", "1"), Content(await Silo.Read(id, existing)));
        Assert.False((await Silo.Read(id, other)).RecordExists);
    }

    [Fact]
    public async Task InsertBoth_ManyAtOnceBesideOthers_ExactlyOneWinsEachRound_WithBothRows()
    {
        for (var round = 0; round < 20; round++)
        {
            var (id, others) = (NewId(), Enumerable.Range(0, 8).Select(_ => NewId()).ToArray());
            var attempts = Enumerable.Range(0, 8).Select(i => Won(() => InsertBoth(id, $"{i}", $"{i}"))).ToList();
            var beside = others.Select(other => Silo.Write(other, Note(other))).ToList();
            var won = (await Task.WhenAll(attempts)).Index().Single(attempt => attempt.Item).Index;
            await Task.WhenAll(beside);

            Assert.Equal($"{won}", (await Silo.Read(id)).State!.Text);
            Assert.Equal($"{won}", (await Silo.Read(id, RowNames.KeyUsage)).State!.Text);
            foreach (var other in others) Assert.Equal(other, (await Silo.Read(other)).State!.Text);
        }
    }

    [Fact]
    public async Task InsertBoth_BesideAnInsertOfTheSecondAlone_LeavesNoMixture()
    {
        for (var round = 0; round < 30; round++)
        {
            var id = NewId();
            var both = Won(() => InsertBoth(id, "both", "both"));
            var alone = Won(() => Silo.Write(id, Note("alone"), name: RowNames.KeyUsage));
            Assert.Single(await Task.WhenAll(both, alone), won => won);
            Assert.Equal(await both, (await Silo.Read(id)).RecordExists);
            Assert.Equal(await both ? "both" : "alone", (await Silo.Read(id, RowNames.KeyUsage)).State!.Text);
        }
    }

    [Fact]
    public async Task RowsThatWaitTogether_AreWrittenTogether_AndEachHasItsOwnOutcome()
    {
        var batches = Batches();
        var stale = NewId();
        await Silo.Write(stale, Note("stale"));
        var (held, gathered) = await Gathered(batches, [
            .. Enumerable.Range(0, 20).Select(_ => Row(NewId())),

            // The database refuses it, and with it whatever is in the same transaction.
            new RowWrite(RowNames.Key, "=" + NewId(), [1], null),
            .. Enumerable.Range(0, 20).Select(_ => Row(NewId())),
            Row(stale, version: 7),
            Row(stale, version: 1),
        ]);

        Assert.All(held, outcome => Assert.Null(outcome));
        Assert.All(gathered[..20].Concat(gathered[21..41]), outcome => Assert.Null(outcome));
        Assert.NotNull(gathered[20]);
        Assert.False(Silo.Database.IsOutcomeUnknown(gathered[20]!));
        Assert.IsType<InconsistentStateException>(gathered[41]);
        Assert.Null(gathered[42]);
        Assert.Equal(2, Convert.ToInt32(
            await Silo.Scalar("SELECT version FROM okms_row WHERE grain_key = @k", ("k", "=" + stale)), CultureInfo.InvariantCulture));
    }

    [Fact]
    public async Task RowThatHasWaitedTooLong_IsNotWritten()
    {
        var batches = Batches();
        var id = NewId();
        var (held, gathered) = await Gathered(batches, [Row(id)], () => _time.Advance(RowBatches.MaxWait + TimeSpan.FromTicks(1)));

        Assert.All(held, outcome => Assert.Null(outcome));
        Assert.False(Silo.Database.IsOutcomeUnknown(Assert.IsType<DatabaseUnreachableException>(Assert.Single(gathered))));
        Assert.False((await Silo.Read(id)).RecordExists);
    }

    [Fact]
    public async Task RowOfASiloThatMayNotWriteAnyMore_IsNotWritten()
    {
        var mayWrite = true;
        var batches = new RowBatches(Silo.Database, ServiceId, () => mayWrite, _time);
        var id = NewId();
        var (held, gathered) = await Gathered(batches, [Row(id)], () => mayWrite = false);

        Assert.All(held, outcome => Assert.Null(outcome));
        Assert.IsType<DatabaseUnreachableException>(Assert.Single(gathered));
        Assert.False((await Silo.Read(id)).RecordExists);
        mayWrite = true;
        Assert.Equal(1, await batches.Write(Row(id)));
    }

    [Fact]
    public async Task ManyRowsAtOnce_AreAllWritten()
    {
        var ids = Enumerable.Range(0, 500).Select(_ => NewId()).ToArray();
        await Task.WhenAll(ids.Select(id => Silo.Write(id, Note(id))));
        await Task.WhenAll(ids.Select(id => Silo.Write(id, Note(id + "!"), "1")));
        foreach (var id in ids) Assert.Equal((id + "!", "2"), Content(await Silo.Read(id)));
    }

    private static (string? Text, string? ETag) Content(GrainState<NoteRow> state) => (state.State?.Text, state.ETag);

    private protected RowBatches Batches() => new(Silo.Database, ServiceId, () => true, _time);

    private protected RowWrite Row(string id, int? version = null)
    {
        var payload = Silo.Services.GetRequiredService<RowSealer>().Seal(Grain(id), RowNames.Key, Note(id), "{}"u8);
        return new(RowNames.Key, "=" + id, payload, version);
    }

    /// <summary>Has rows wait until all lanes are held by others, so that the next transaction takes all of them.</summary>
    /// <returns>What became of those that the lanes were held with, and of the rows; null for a row that was written.</returns>
    private protected async Task<(Exception?[] Held, Exception?[] Gathered)> Gathered(RowBatches batches, RowWrite[] rows, Action? meanwhile = null)
    {
        var held = new List<Task<Exception?>>();
        List<Task<Exception?>> gathered;
        await using (await Hold())
        {
            for (var lane = 1; lane <= Silo.Database.RowLanes; lane++)
            {
                held.Add(Record.ExceptionAsync(() => batches.Write(Row(NewId()))));

                // A lane has taken it, and waits in its transaction.
                while (batches.Waiting > 0) await Task.Yield();
            }

            gathered = [.. rows.Select(row => Record.ExceptionAsync(() => batches.Write(row)))];
            meanwhile?.Invoke();
            Assert.All(gathered, row => Assert.False(row.IsCompleted));
        }

        return (await Task.WhenAll(held), await Task.WhenAll(gathered));
    }

    private async Task<(GrainState<NoteRow> First, GrainState<NoteRow> Second)> InsertBoth(string id, string first, string second)
    {
        var (firstState, secondState) = (new GrainState<NoteRow>(Note(first)), new GrainState<NoteRow>(Note(second)));
        await Pairs.InsertBoth(Grain(id), RowNames.Key, firstState, RowNames.KeyUsage, secondState);
        return (firstState, secondState);
    }

    private static async Task<bool> Won(Func<Task> write)
    {
        try
        {
            await write();
            return true;
        }
        catch (InconsistentStateException)
        {
            return false;
        }
    }
}

[Trait("database", "sqlite")]
public sealed class SqliteRowBatches(SqliteFixture fixture) : RowBatchConformance(fixture), IClassFixture<SqliteFixture>
{
    protected override async Task<IAsyncDisposable> Hold()
    {
        var (begun, ended) = (new TaskCompletionSource(), new TaskCompletionSource());
        var holding = Silo.Database.Write(async () =>
        {
            begun.SetResult();
            await ended.Task;
            return true;
        });
        await begun.Task;
        return new Held(async () =>
        {
            ended.SetResult();
            await holding;
        });
    }

}

[Trait("database", "postgres")]
public sealed class PostgresRowBatches(PostgresFixture fixture) : RowBatchConformance(fixture), IClassFixture<PostgresFixture>
{
    private const string Waiting =
        "FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%okms_row%'";

    [Fact]
    public async Task ConnectionCutInTheMiddle_LeavesEachOfTheRowsUnknown_AndNoneIsThereAfterwards()
    {
        var ids = Enumerable.Range(0, 30).Select(_ => NewId()).ToArray();
        var batches = Batches();
        List<Task<Exception?>> rows;
        await using (await Hold())
        {
            // Some are held, the rest wait for them; and whatever comes after those that are cut is held and cut, too.
            rows = [.. ids.Select(id => Record.ExceptionAsync(() => batches.Write(Row(id))))];
            while (!rows.TrueForAll(row => row.IsCompleted))
            {
                await Silo.Scalar($"SELECT count(pg_terminate_backend(pid)) {Waiting}");
            }
        }

        Assert.All(await Task.WhenAll(rows), outcome =>
        {
            Assert.NotNull(outcome);
            Assert.True(Silo.Database.IsOutcomeUnknown(outcome), $"{outcome}");
        });
        foreach (var id in ids) Assert.False((await Silo.Read(id)).RecordExists);
        Assert.Equal(1, await batches.Write(Row(ids[0])));
    }

    protected override async Task<IAsyncDisposable> Hold()
    {
        var connection = await Silo.Database.Connections.OpenConnectionAsync();
        var transaction = await connection.BeginTransactionAsync();
        await using var locking = connection.Command("LOCK TABLE okms_row IN SHARE ROW EXCLUSIVE MODE");
        locking.Transaction = transaction;
        await locking.ExecuteNonQueryAsync();
        return new Held(async () =>
        {
            await transaction.RollbackAsync();
            await connection.DisposeAsync();
        });
    }

}

internal sealed class Held(Func<Task> end) : IAsyncDisposable
{
    public async ValueTask DisposeAsync() => await end();
}

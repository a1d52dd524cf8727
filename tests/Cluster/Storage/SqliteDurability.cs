using System.Text;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Orleans.Storage;
using OrleansKms.Grains.Root;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;
using static OrleansKms.Tests.Cluster.Storage.StorageSilo;

namespace OrleansKms.Tests.Cluster.Storage;

/// <summary>On SQLite, what is acknowledged is on the disk and what is erased is gone from it.</summary>
[Trait("database", "sqlite")]
public sealed class SqliteDurability(SqliteFixture fixture) : IClassFixture<SqliteFixture>
{
    // On the very connections of the provider: its query is replaced by one that answers the connection's settings.
    [Fact]
    public async Task Settings_OnTheProvidersConnections_MakeACommitDurable()
    {
        await using var silo = await OwnSilo();
        var raw = (AdoNetGrainStorage)silo.Silo.Services.GetRequiredKeyedService<IGrainStorage>(StorageNames.Raw);
        var queries = raw.CurrentOperationalQueries;
        raw.CurrentOperationalQueries = new RelationalStorageProviderQueries(queries.WriteToStorage,
            """
            SELECT CAST(journal_mode || ' ' || synchronous || ' ' || secure_delete || ' ' || foreign_keys || ' ' || timeout AS BLOB) AS PayloadBinary,
              1 AS Version
            FROM pragma_journal_mode, pragma_synchronous, pragma_secure_delete, pragma_foreign_keys, pragma_busy_timeout
            """, queries.ClearState, queries.DeleteState);

        // More connections than one, pooled ones among them.
        for (var i = 0; i < 3; i++)
        {
            var settings = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
            {
                var state = new GrainState<OpaqueRow>();
                await raw.ReadStateAsync("any", GrainId.Create("note", "=any"), state);
                return Encoding.UTF8.GetString(state.State!.Payload);
            })));

            // 2 is FULL: every commit waits for fsync.
            Assert.All(settings, s => Assert.Equal("wal 2 1 1 5000", s));
        }
    }

    [Fact]
    public async Task Clear_LeavesNoTraceOfTheRowInTheFiles()
    {
        var silo = fixture.Silo;
        var written = await silo.Write("erased", Note("erased"));
        var payload = await silo.Payload("erased");
        Assert.True(Holds(await silo.Dump(), payload));

        await silo.Rows.ClearStateAsync(RowNames.Key, Grain("erased"), written);
        await silo.Execute("PRAGMA wal_checkpoint(TRUNCATE)");

        Assert.False(Holds(await silo.Dump(), payload));
        Assert.False(Holds(await silo.Dump(), payload[RowLayout.HeaderLength..][..48]));
    }

    [Fact]
    public async Task Log_IsEmptiedAMinuteAfterAWrite_OrWhenNoReaderIsInTheWayAnyMore()
    {
        var directory = new TemporaryDirectory();
        var time = new FakeTimeProvider();
        using (var database = new SqliteDatabase(directory.Path, time))
        {
            await database.Prepare(default);
            var log = new FileInfo(Path.Combine(directory.Path, "kms.db-wal"));
            await Execute(database, "CREATE TABLE note (text TEXT)");
            await using (var reader = await database.Connections.OpenConnectionAsync())
            {
                await using var read = reader.Command("BEGIN; SELECT count(*) FROM note");
                await read.ExecuteScalarAsync();
                await Execute(database, "INSERT INTO note VALUES ('one')");
                time.Advance(TimeSpan.FromMinutes(1));

                // A write waits its turn, so the log's has been.
                await Execute(database, "INSERT INTO note VALUES ('two')");
                log.Refresh();
                Assert.True(log.Length > 0);
                await using var end = reader.Command("COMMIT");
                await end.ExecuteNonQueryAsync();
            }

            while (log.Length > 0)
            {
                time.Advance(TimeSpan.FromMinutes(1));
                await Task.Yield();
                log.Refresh();
            }

            // What emptied it waits for nobody; whoever has its connection after it does.
            await using var connection = await database.Connections.OpenConnectionAsync();
            await using var patience = connection.Command("PRAGMA busy_timeout");
            Assert.Equal(5000L, await patience.ExecuteScalarAsync());
        }

        directory.Delete();

        static Task<int> Execute(Database database, string text) => database.Write(async () =>
        {
            await using var connection = await database.Connections.OpenConnectionAsync();
            await using var command = connection.Command(text);
            return await command.ExecuteNonQueryAsync();
        });
    }

    [Theory]
    [InlineData(SQLitePCL.raw.SQLITE_BUSY, false)]
    [InlineData(SQLitePCL.raw.SQLITE_READONLY, false)]
    [InlineData(SQLitePCL.raw.SQLITE_CANTOPEN, false)]
    [InlineData(SQLitePCL.raw.SQLITE_FULL, false)]
    [InlineData(SQLitePCL.raw.SQLITE_CONSTRAINT, false)]
    [InlineData(SQLitePCL.raw.SQLITE_IOERR, true)]
    [InlineData(SQLitePCL.raw.SQLITE_CORRUPT, true)]
    public void Failure_IsClassedByWhetherTheWriteMayHaveHappened(int code, bool unknown)
    {
        Assert.Equal(unknown, fixture.Silo.Database.IsOutcomeUnknown(new SqliteException("x", code)));
        Assert.False(fixture.Silo.Database.IsOutcomeUnknown(new DatabaseUnreachableException(new SqliteException("x", code))));
    }

    [Fact]
    public async Task Write_DatabaseThatTakesNoWrites_FailsWithAKnownOutcome()
    {
        await using var own = await OwnSilo();
        var silo = own.Silo;
        await silo.Write("full", Note("before"));

        // Another writer that does not end.
        await using var connection = await silo.Database.Connections.OpenConnectionAsync();
        await using var begin = connection.Command("BEGIN IMMEDIATE");
        await begin.ExecuteNonQueryAsync();
        var failure = await Assert.ThrowsAsync<StorageFailedException>(() => silo.Write("full", Note("after"), "1"));
        await using var rollback = connection.Command("ROLLBACK");
        await rollback.ExecuteNonQueryAsync();

        Assert.False(failure.OutcomeUnknown);
        Assert.Equal("before", (await silo.Read("full")).State!.Text);
    }

    private static bool Holds(byte[] dump, byte[] bytes) => dump.AsSpan().IndexOf(bytes) >= 0;

    private static async Task<OwnedSilo> OwnSilo()
    {
        var directory = new TemporaryDirectory();
        return new OwnedSilo(directory, await Start(new KmsStorageOptions { DataDirectory = directory.Path }));
    }

    private sealed record OwnedSilo(TemporaryDirectory Directory, StorageSilo Silo) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await Silo.DisposeAsync();
            Directory.Delete();
        }
    }
}

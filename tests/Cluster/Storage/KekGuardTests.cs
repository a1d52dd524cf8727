using System.Data;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using OrleansKms.Grains.Presence;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Tests.Cluster.Storage;

/// <summary>
/// Postgres itself refuses to delete a KEK that seals a row, and to write a row under a KEK that is gone, whoever asks and whatever happens
/// at the same moment. The rows here have a header and nothing that opens, which is all that the database sees.
/// </summary>
[Trait("database", "postgres")]
public sealed class KekGuardTests : IAsyncLifetime
{
    private const string Insert =
        "INSERT INTO okms_row (service_id, row_name, grain_key, payload, version) VALUES ('guard', 'key', @key, '\\x0100'::bytea || @kek || '\\x00000000000000000000000000000000'::bytea, 1)";

    private const string WaitingForLock = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";

    private readonly TestPostgres _postgres = new();
    private readonly TemporaryDirectory _directory = new();
    private Database _database = null!;
    private NpgsqlDataSource _source = null!;

    public async Task InitializeAsync()
    {
        var connectionString = await _postgres.Create();
        _database = Database.Of(new() { DataDirectory = _directory.Path, ConnectionString = connectionString }, TimeProvider.System, NullLoggerFactory.Instance);
        await SchemaMigrations.Of(_database, NullLoggerFactory.Instance).Apply(default);
        _source = NpgsqlDataSource.Create(connectionString);
    }

    public async Task DisposeAsync()
    {
        await _source.DisposeAsync();
        _database.Dispose();
        await _postgres.Drop();
        _directory.Delete();
    }

    [Fact]
    public async Task RowUnderNoKek_IsRefused_WithAllThatItsStatementWrites()
    {
        var kek = await NewKek();
        await Refused(() => Execute(Insert, ("key", "=none"), ("kek", new byte[16])));
        await Execute(Insert, ("key", "=a"), ("kek", kek));
        await Refused(() => Execute(
            $"{Insert.Replace("@key", "'=b'", StringComparison.Ordinal)}, ('guard', 'key', '=c', '\\x0100'::bytea || @none || '\\x00000000000000000000000000000000'::bytea, 1)",
            ("kek", kek), ("none", new byte[16])));
        await Refused(() => Execute("UPDATE okms_row SET payload = overlay(payload PLACING @none FROM 3 FOR 16)", ("none", new byte[16])));
        Assert.Equal(1L, await Scalar("SELECT count(*) FROM okms_row"));
    }

    [Fact]
    public async Task KekInUse_IsNotDeleted_NorRenamed_NorTruncated()
    {
        var (used, unused) = (await NewKek(), await NewKek());
        await Execute(Insert, ("key", "=a"), ("kek", used));
        await Refused(() => Delete(used));
        await Refused(() => Execute("DELETE FROM okms_kek"));
        await Refused(() => Execute("UPDATE okms_kek SET kek_id = @new WHERE kek_id = @kek", ("kek", used), ("new", new byte[16])));
        await Refused(() => Execute("TRUNCATE okms_kek CASCADE"));
        await Execute("UPDATE okms_kek SET kek_id = kek_id, is_current = false");
        Assert.Equal(2L, await Scalar("SELECT count(*) FROM okms_kek"));
        Assert.Equal(1, await Delete(unused));
        await Execute("DELETE FROM okms_row");
        Assert.Equal(1, await Delete(used));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Deletion_WaitsForWhoeverHasWritten_AndSeesWhatBecameOfIt(bool isCommitted)
    {
        var kek = await NewKek();
        await using var connection = await _source.OpenConnectionAsync();
        await using var writing = await connection.BeginTransactionAsync();
        await Execute(connection, Insert, ("key", "=a"), ("kek", kek));

        var deletion = Delete(kek);
        await UntilOneWaits();
        Assert.False(deletion.IsCompleted);
        if (isCommitted) await writing.CommitAsync();
        else await writing.RollbackAsync();

        if (isCommitted) await Refused(() => deletion);
        else Assert.Equal(1, await deletion);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Writer_WaitsForADeletion_AndSeesWhatBecameOfIt(bool isCommitted)
    {
        var (kek, other) = (await NewKek(), await NewKek());
        await using var connection = await _source.OpenConnectionAsync();
        await using var deleting = await connection.BeginTransactionAsync();
        await Execute(connection, "DELETE FROM okms_kek WHERE kek_id = @kek", ("kek", kek));

        var writing = Execute(Insert, ("key", "=a"), ("kek", kek));
        await UntilOneWaits();
        Assert.False(writing.IsCompleted);

        // Whoever writes under another KEK does not wait.
        await Execute(Insert, ("key", "=b"), ("kek", other));
        if (isCommitted) await deleting.CommitAsync();
        else await deleting.RollbackAsync();

        if (isCommitted) await Refused(() => writing);
        else Assert.Equal(1, await writing);
    }

    [Theory]
    [InlineData(IsolationLevel.RepeatableRead)]
    [InlineData(IsolationLevel.Serializable)]
    public async Task WriterThatSeesThePast_DoesNotWriteUnderAKekThatHasGoneSince(IsolationLevel isolation)
    {
        var (gone, there) = (await NewKek(), await NewKek());
        foreach (var kek in new[] { there, gone })
        {
            await using var connection = await _source.OpenConnectionAsync();
            await using var writing = await connection.BeginTransactionAsync(isolation);
            await using (var look = new NpgsqlCommand("SELECT count(*) FROM okms_kek", connection)) Assert.Equal(2L, await look.ExecuteScalarAsync());
            if (kek == gone) await Delete(gone);
            var failure = await Record.ExceptionAsync(() => Execute(connection, Insert, ("key", "=a"), ("kek", kek)));
            if (kek == there) Assert.Null(failure);
            else Assert.Equal(PostgresErrorCodes.SerializationFailure, Assert.IsType<PostgresException>(failure).SqlState);
        }
    }

    [Fact]
    public async Task DeletionThatSeesThePast_IsRefused()
    {
        var kek = await NewKek();
        await using var connection = await _source.OpenConnectionAsync();
        await using var deleting = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead);
        await using (var look = new NpgsqlCommand("SELECT count(*) FROM okms_row", connection)) Assert.Equal(0L, await look.ExecuteScalarAsync());
        await Execute(Insert, ("key", "=a"), ("kek", kek));
        var failure = await Assert.ThrowsAsync<PostgresException>(() => Execute(connection, "DELETE FROM okms_kek WHERE kek_id = @kek", ("kek", kek)));
        Assert.Equal(PostgresErrorCodes.FeatureNotSupported, failure.SqlState);
    }

    /// <summary>In a batch of rows, some under a KEK that another silo has just destroyed.</summary>
    [Fact]
    public async Task Batch_WithRowsUnderADestroyedKek_WritesTheOthers()
    {
        var (gone, there) = (await NewKek(), await NewKek());
        await Delete(gone);
        var batches = new RowBatches(_database, "guard", () => true, TimeProvider.System);
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 60).Select(i => Record.ExceptionAsync(
            () => batches.Write(new RowWrite(RowNames.Key, $"=k{i}", Payload(i % 3 == 0 ? gone : there), null, (RowNames.KeyUsage, Payload(i % 3 == 1 ? gone : there)))))));
        for (var i = 0; i < outcomes.Length; i++)
        {
            if (i % 3 == 2) Assert.Null(outcomes[i]);
            else Assert.True(_database.IsMissingReference(outcomes[i]!), $"{outcomes[i]}");
            Assert.Equal(i % 3 == 2 ? 2L : 0L, await Scalar("SELECT count(*) FROM okms_row WHERE grain_key = @key", ("key", $"=k{i}")));
        }
    }

    [Fact]
    public async Task DeletionsAmongWriters_LeaveNoRowWithoutItsKek()
    {
        var keks = new byte[6][];
        for (var i = 0; i < keks.Length; i++) keks[i] = await NewKek();
        using var done = new CancellationTokenSource();
        var (deleted, refused) = (0, 0);
        var writers = Enumerable.Range(0, 4).Select(writer => Task.Run(async () =>
        {
            var random = new Random(writer);
            var batches = new RowBatches(_database, "guard", () => true, TimeProvider.System);
            for (var round = 0; !done.IsCancellationRequested; round++)
            {
                await Task.WhenAll(Enumerable.Range(0, 10).Select(async i =>
                {
                    var failure = await Record.ExceptionAsync(() => batches.Write(
                        new RowWrite(RowNames.Key, $"=w{writer}.{round}.{i}", Payload(keks[random.Next(keks.Length)]), null)));
                    if (failure is not null) Assert.True(_database.IsMissingReference(failure), $"{failure}");
                    if (failure is not null) Interlocked.Increment(ref refused);
                }));
            }
        })).ToArray();
        foreach (var kek in keks[1..])
        {
            // Now and then nobody has a row under it for a moment.
            for (var gone = false; !gone;)
            {
                await Execute("DELETE FROM okms_row WHERE kek_id = @kek", ("kek", kek));
                gone = await Record.ExceptionAsync(() => Delete(kek)) is null;
            }

            deleted++;
        }

        await done.CancelAsync();
        await Task.WhenAll(writers);
        Assert.Equal(keks.Length - 1, deleted);
        Assert.NotEqual(0, refused);
        Assert.Equal(0L, await Scalar("SELECT count(*) FROM okms_row r WHERE NOT EXISTS (SELECT 1 FROM okms_kek k WHERE k.kek_id = r.kek_id)"));
        Assert.NotEqual(0L, await Scalar("SELECT count(*) FROM okms_row"));
    }

    private static byte[] Payload(byte[] kek) => [1, 0, .. kek, .. new byte[16]];

    private async Task<byte[]> NewKek()
    {
        var kek = Guid.NewGuid().ToByteArray();
        await Execute("INSERT INTO okms_kek (kek_id, created_at, is_current) VALUES (@kek, now(), false)", ("kek", kek));
        return kek;
    }

    private Task<int> Delete(byte[] kek) => Execute("DELETE FROM okms_kek WHERE kek_id = @kek", ("kek", kek));

    private async Task UntilOneWaits()
    {
        while (await Scalar($"{WaitingForLock} AND database = (SELECT oid FROM pg_database WHERE datname = current_database())") is 0L) await Task.Yield();
    }

    private async Task Refused(Func<Task> statement) =>
        Assert.True(_database.IsMissingReference(await Assert.ThrowsAsync<PostgresException>(statement)));

    private async Task<int> Execute(string text, params (string, object)[] parameters)
    {
        await using var connection = await _source.OpenConnectionAsync();
        return await Execute(connection, text, parameters);
    }

    private static async Task<int> Execute(NpgsqlConnection connection, string text, params (string, object)[] parameters)
    {
        await using var command = connection.Command(text, parameters);
        return await command.ExecuteNonQueryAsync();
    }

    private async Task<object?> Scalar(string text, params (string, object)[] parameters)
    {
        await using var connection = await _source.OpenConnectionAsync();
        await using var command = connection.Command(text, parameters);
        return await command.ExecuteScalarAsync();
    }
}

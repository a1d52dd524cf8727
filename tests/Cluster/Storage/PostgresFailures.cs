using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;
using OrleansKms.Grains.Root;
using OrleansKms.Grains.Storage;
using OrleansKms.Tests.Cluster.Faults;
using static OrleansKms.Tests.Cluster.Storage.StorageSilo;

namespace OrleansKms.Tests.Cluster.Storage;

/// <summary>What grains and the health check learn when Postgres goes away.</summary>
[Trait("database", "postgres")]
public sealed class PostgresFailures : IAsyncLifetime, IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly TestPostgres _database = new();
    private readonly LogRecorder _log = new();
    private StorageSilo _silo = null!;

    public async Task InitializeAsync() => _silo = await StorageSilo.Start(
        new KmsStorageOptions
        {
            DataDirectory = _directory.Path,
            ConnectionString = await _database.Create(),
            ProbeInterval = TimeSpan.FromMilliseconds(50),
        },
        silo => silo.Services.AddLogging(logging => logging.AddProvider(_log)));

    public async Task DisposeAsync()
    {
        await _silo.DisposeAsync();
        await _database.Drop();
        _directory.Delete();
    }

    public void Dispose() => _log.Dispose();

    [Fact]
    public async Task DatabaseAway_CallsFailWithAKnownOutcomeAndHealthTurnsAndAllRecovers()
    {
        var health = _silo.Services.GetRequiredService<IStorageHealth>();
        await _silo.Write("k", Note("before"));

        await TestPostgres.Execute($"ALTER DATABASE {_database.Name} WITH ALLOW_CONNECTIONS false");
        await TestPostgres.Execute($"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{_database.Name}'");
        await _log.Wait("The database cannot do its work");
        Assert.False(health.IsHealthy);

        var write = await Assert.ThrowsAsync<StorageFailedException>(() => _silo.Write("k", Note("after"), "1"));
        var read = await Assert.ThrowsAsync<StorageFailedException>(() => _silo.Read("k"));
        var list = await Assert.ThrowsAsync<StorageFailedException>(() => _silo.Directory.List(RowNames.Key, "", null, 1, false, default));
        Assert.False(write.OutcomeUnknown);
        Assert.False(read.OutcomeUnknown);
        Assert.False(list.OutcomeUnknown);

        await TestPostgres.Execute($"ALTER DATABASE {_database.Name} WITH ALLOW_CONNECTIONS true");
        await _log.Wait("The database does its work again");
        Assert.True(health.IsHealthy);
        Assert.Equal("before", (await _silo.Read("k")).State!.Text);

        // Neither a stack trace for each failed call, nor the password, which the silo's options know.
        Assert.DoesNotContain(_log.Lines, l => l.Contains("Orleans.Storage.AdoNetGrainStorage:", StringComparison.Ordinal));
        Assert.DoesNotContain(_log.Lines, l => l.Contains(TestPostgres.Password, StringComparison.Ordinal));
    }

    [SmallDiskFact]
    public async Task FullDisk_IsNotHealthy_AndWhatIsThereIsStillRead()
    {
        using var disk = new SmallDisk(mebibytes: 200);
        await using var server = await PostgresServer.Create(place: disk.Path);
        using var log = new LogRecorder();
        await using var silo = await StorageSilo.Start(
            new() { DataDirectory = _directory.Path, ConnectionString = server.ConnectionString, ProbeInterval = TimeSpan.FromMilliseconds(50) },
            builder => builder.Services.AddLogging(logging => logging.AddProvider(log)));
        await silo.Write("k", Note("before"));

        disk.Fill();
        await log.Wait("The database cannot do its work");
        Assert.False(silo.Services.GetRequiredService<IStorageHealth>().IsHealthy);
        Assert.Contains(log.Lines, l => l.Contains("No space left on device", StringComparison.Ordinal));
        Assert.Equal("before", (await silo.Read("k")).State!.Text);

        disk.Free();
        await log.Wait("The database does its work again");
        await silo.Write("l", Note("after"));
    }

    [Fact]
    public async Task CommitThatWaits_IsNotHealthy()
    {
        await using (var blocker = await _silo.Database.Connections.OpenConnectionAsync())
        {
            await using var transaction = await blocker.BeginTransactionAsync();
            await using var locking = blocker.Command("LOCK TABLE okms_silo IN EXCLUSIVE MODE");
            locking.Transaction = transaction;
            await locking.ExecuteNonQueryAsync();
            await _log.Wait("The database cannot do its work");
            Assert.False(_silo.Services.GetRequiredService<IStorageHealth>().IsHealthy);
            Assert.Null((await _silo.Read("none")).State);
        }

        await _log.Wait("The database does its work again");
    }

    [Fact]
    public async Task DatabaseThatTakesNoWrites_IsNotHealthy()
    {
        await TestPostgres.Execute($"ALTER DATABASE {_database.Name} SET default_transaction_read_only = on");
        await TestPostgres.Execute($"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{_database.Name}'");
        await _log.Wait("The database cannot do its work");
        await TestPostgres.Execute($"ALTER DATABASE {_database.Name} RESET default_transaction_read_only");
        await TestPostgres.Execute($"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{_database.Name}'");
        await _log.Wait("The database does its work again");
    }

    [Fact]
    public async Task DatabaseThatBeginsToLoseWhatItAcknowledges_IsNotHealthy()
    {
        await using var connection = await _silo.Database.Connections.OpenConnectionAsync();
        await using var probe = connection.Command(_silo.Database.Probe);
        Assert.Equal(true, await probe.ExecuteScalarAsync());
        await using var lose = connection.Command("SET synchronous_commit = off");
        await lose.ExecuteNonQueryAsync();
        Assert.Equal(false, await probe.ExecuteScalarAsync());
    }

    /// <summary>As a migration does it while silos run.</summary>
    [Fact]
    public async Task TableChangedUnderAPreparedStatement_FailsOnceAtMost()
    {
        await _silo.Execute("CREATE TABLE changed (value integer); INSERT INTO changed VALUES (1)");
        await using var connection = await _silo.Database.Connections.OpenConnectionAsync();
        for (var i = 0; i < 10; i++)
        {
            Assert.Equal(1, await Value());
        }

        await using (var prepared = connection.Command("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%FROM changed%'"))
        {
            Assert.Equal(1L, await prepared.ExecuteScalarAsync());
        }

        await _silo.Execute("ALTER TABLE changed ADD COLUMN more text");
        Assert.Equal(1, await Value());
        await _silo.Execute("ALTER TABLE changed ALTER COLUMN value TYPE bigint");
        var failure = await Assert.ThrowsAsync<PostgresException>(Value);
        Assert.Equal("cached plan must not change result type", failure.MessageText);
        Assert.False(_silo.Database.IsOutcomeUnknown(failure));
        Assert.Equal(1L, await Value());

        async Task<object?> Value()
        {
            await using var command = connection.Command("SELECT value FROM changed");
            return await command.ExecuteScalarAsync();
        }
    }

    [Fact]
    public async Task ConnectionCutInTheMiddleOfAWrite_OutcomeIsUnknown()
    {
        await _silo.Write("cut", Note("before"));
        await using var blocker = await _silo.Database.Connections.OpenConnectionAsync();
        await using var transaction = await blocker.BeginTransactionAsync();
        await using var locking = blocker.Command("SELECT version FROM okms_row WHERE grain_key = '=cut' FOR UPDATE");
        locking.Transaction = transaction;
        await locking.ExecuteNonQueryAsync();

        var write = _silo.Write("cut", Note("after"), "1");
        await TerminateWaitingWriter();
        var failure = await Assert.ThrowsAsync<StorageFailedException>(() => write);

        Assert.True(failure.OutcomeUnknown);
        Assert.IsAssignableFrom<NpgsqlException>(failure.InnerException);
    }

    [Theory]
    [InlineData(PostgresErrorCodes.UniqueViolation, "ERROR", false)]
    [InlineData(PostgresErrorCodes.ReadOnlySqlTransaction, "ERROR", false)]
    [InlineData(PostgresErrorCodes.DiskFull, "ERROR", false)]
    [InlineData(PostgresErrorCodes.QueryCanceled, "ERROR", false)]
    [InlineData(PostgresErrorCodes.FeatureNotSupported, "ERROR", false)]
    [InlineData(PostgresErrorCodes.InvalidSqlStatementName, "ERROR", false)]
    [InlineData(PostgresErrorCodes.StatementCompletionUnknown, "ERROR", true)]
    [InlineData(PostgresErrorCodes.AdminShutdown, "FATAL", true)]
    [InlineData(PostgresErrorCodes.IoError, "ERROR", true)]
    public void ServerError_IsClassedByWhetherTheWriteMayHaveHappened(string state, string severity, bool unknown) =>
        Assert.Equal(unknown, _silo.Database.IsOutcomeUnknown(new PostgresException("x", severity, severity, state)));

    private async Task TerminateWaitingWriter()
    {
        while (Convert.ToInt32(await _silo.Scalar(
            """
            SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%UPDATE okms_row%'
            """), System.Globalization.CultureInfo.InvariantCulture) == 0)
        {
            await Task.Yield();
        }
    }
}

/// <summary>Keeps what is logged, and lets a test wait for a line.</summary>
public sealed class LogRecorder : ILoggerProvider
{
    private readonly ConcurrentQueue<string> _lines = new();
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _waiting = new();

    public IEnumerable<string> Lines => _lines;

    public Task Wait(string text)
    {
        var waiting = _waiting.GetOrAdd(text, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        foreach (var line in _lines)
        {
            Notify(line);
        }

        return waiting.Task.WaitAsync(TimeSpan.FromMinutes(1));
    }

    public ILogger CreateLogger(string categoryName) => new Recorder(this, categoryName);

    public void Dispose()
    {
    }

    private void Notify(string line)
    {
        foreach (var (text, waiting) in _waiting)
        {
            if (line.Contains(text, StringComparison.Ordinal))
            {
                waiting.TrySetResult();
            }
        }
    }

    private sealed class Recorder(LogRecorder owner, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            var line = $"{logLevel} {category}: {formatter(state, exception)} {exception}";
            owner._lines.Enqueue(line);
            owner.Notify(line);
        }
    }
}

using System.Data.Common;
using System.Diagnostics;
using System.Net.Sockets;
using DbUp;
using DbUp.Builder;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace OrleansKms.Grains.Storage;

/// <summary>The database of a cluster.</summary>
internal sealed partial class PostgresDatabase : Database
{
    // Any constant that no other user of the same database is likely to lock.
    private const long SchemaLock = 0x4F4B_4D53_0001;
    private const long ResealingLock = 0x4F4B_4D53_0002;

    // While one transaction waits for the disk, or for a row that another holds, others go on.
    private const int Lanes = 4;
    private const int Readers = 2;

    // Settings that Postgres must not run with: it could lose what it has acknowledged, or fail to recover from a crash.
    private static readonly string[] _neededOn = ["fsync", "full_page_writes", "synchronous_commit"];

    // More than memory may hold, so that Postgres writes it to a temporary file on the disk of the tables: a table has allocated
    // space, and goes on for a while when the disk is full. It is not flushed, locks nothing, and is gone at the end.
    private const string Room =
        """
        SELECT set_config('work_mem', '64kB', true), set_config('temp_tablespaces', '', true);
        WITH room AS MATERIALIZED (SELECT repeat('x', 1000) AS block FROM generate_series(1, 256)) SELECT count(*) FROM room;
        """;

    // By how much two clocks of one process may differ.
    private static readonly TimeSpan _slack = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan _retryPause = TimeSpan.FromMilliseconds(500);

    private readonly NpgsqlDataSource _npgsql;
    private readonly NpgsqlDataSource _rowsNpgsql;
    private readonly PostgresConnections _connections;
    private readonly PostgresConnections _rowConnections;
    private readonly string _connectionString;
    private readonly TimeSpan _longestWrite;
    private readonly TimeSpan _migrationTimeout;
    private readonly TimeSpan _startTimeout;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    /// <summary>Sets up the database without connecting.</summary>
    /// <exception cref="StartRefusedException">The connection string is malformed.</exception>
    public PostgresDatabase(DatabaseOptions options, TimeProvider time, ILogger<PostgresDatabase> logger)
    {
        _migrationTimeout = options.MigrationTimeout;
        _startTimeout = options.StartTimeout;
        _time = time;
        _logger = logger;
        var connection = PostgresConnectionString.Complete(options.ConnectionString!);
        _connectionString = connection.ConnectionString;
        _longestWrite = connection.CommandTimeout > 0 ? TimeSpan.FromSeconds(connection.CommandTimeout) - _slack : TimeSpan.MaxValue;

        // Rows of keys have connections of their own, out of the same number.
        var ofRows = Math.Max(1, Math.Min(Lanes + Readers, connection.MaxPoolSize / 2));
        connection.MaxPoolSize = Math.Max(1, connection.MaxPoolSize - ofRows);
        connection.MinPoolSize = Math.Min(connection.MinPoolSize, connection.MaxPoolSize);
        _npgsql = NpgsqlDataSource.Create(connection);
        _connections = new PostgresConnections(_npgsql);
        connection.Options = $"{connection.Options} {PostgresRows.Options}";
        connection.MinPoolSize = 0;
        connection.MaxPoolSize = ofRows;

        // Their statements leave nothing behind in a session, and to reset it costs as much as to write some rows.
        connection.NoResetOnClose = true;
        _rowsNpgsql = NpgsqlDataSource.Create(connection);
        _rowConnections = new PostgresConnections(_rowsNpgsql);
    }

    /// <inheritdoc/>
    public override string Invariant => "Npgsql";

    /// <inheritdoc/>
    public override DbDataSource Connections => _connections;

    /// <inheritdoc/>
    public override string MigrationFolder => "postgres";

    /// <inheritdoc/>
    public override string LiveRows => "NOT tombstone";

    /// <inheritdoc/>
    public override string Probe { get; } = "SELECT NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off'"
        + string.Concat(_neededOn.Select(setting => $" AND current_setting('{setting}') <> 'off'"));

    /// <inheritdoc/>
    public override async Task<DateTimeOffset?> ReadTime(CancellationToken cancellationToken)
    {
        await using var connection = await Connections.OpenConnectionAsync(cancellationToken);

        // The wall clock and not the transaction's, and as a number, so that no time zone setting matters.
        await using var command = connection.Command("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint");
        return DateTimeOffset.FromUnixTimeMilliseconds((long)(await command.ExecuteScalarAsync(cancellationToken))!);
    }

    /// <inheritdoc/>
    public override async Task RequireRoom(CancellationToken cancellationToken)
    {
        await using var connection = await Connections.OpenConnectionAsync(cancellationToken);
        await using var command = connection.Command(Room);
        try
        {
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.NextResultAsync(cancellationToken))
            {
                // The second statement is the one that may fail.
            }
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.ConfigurationLimitExceeded)
        {
            // This role may not write temporary files, so whether there is room is unknown.
        }
    }

    /// <inheritdoc/>
    public override bool IsShared => true;

    /// <inheritdoc/>
    public override string LiveSilos =>
        // A silo that the others have declared dead shuts itself down.
        """
        seen_at > CURRENT_TIMESTAMP - make_interval(secs => @seconds) AND NOT EXISTS (
          SELECT 1 FROM okms_membership m WHERE m.cluster_id = okms_silo.cluster_id AND m.status = 6
            AND okms_silo.silo = m.address || ':' || m.port || '@' || m.generation)
        """;

    /// <inheritdoc/>
    public override UpgradeEngineBuilder Migrations =>
        DeployChanges.To.PostgresqlDatabase(_connectionString)
            .JournalToPostgresqlTable(null, "okms_migration")
            .WithExecutionTimeout(_migrationTimeout);

    /// <inheritdoc/>
    public override async Task Prepare(CancellationToken cancellationToken)
    {
        await using var connection = await Connect(cancellationToken);
        foreach (var setting in _neededOn)
        {
            // As this session sees it: a role or a database may override a setting.
            await using var command = connection.Command("SELECT current_setting(@name)", ("name", setting));
            if (await command.ExecuteScalarAsync(cancellationToken) is "off")
            {
                throw new StartRefusedException(
                    $"Postgres runs with {setting} off, so it can lose what it has acknowledged. Turn {setting} on.");
            }
        }

        if (await PoolerCheck.SharesSessions(_npgsql, (NpgsqlConnection)connection, cancellationToken))
        {
            throw new StartRefusedException(
                "A pooler in front of Postgres shares sessions between clients, as PgBouncer does with pool_mode = "
                    + "transaction: " + PoolerCheck.Remedy);
        }
    }

    /// <inheritdoc/>
    public override async Task<T> WhenReachable<T>(Func<Task<T>> attempt, CancellationToken cancellationToken)
    {
        var began = _time.GetTimestamp();
        for (var isFirst = true; ; isFirst = false)
        {
            try
            {
                return await attempt();
            }
            catch (StartRefusedException e) when (MayComeYet(e) && _time.GetElapsedTime(began) < _startTimeout)
            {
                if (isFirst)
                {
                    WaitingForPostgres(_startTimeout, e.Message);
                }
            }

            await Task.Delay(_retryPause, _time, cancellationToken);
        }
    }

    /// <inheritdoc/>
    public override async Task<bool> MayMigrate(CancellationToken cancellationToken)
    {
        await using var connection = await Connections.OpenConnectionAsync(cancellationToken);
        await using var command = connection.Command(
            """
            SELECT coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AND NOT EXISTS (
              SELECT 1 FROM pg_class WHERE oid = to_regclass('okms_migration') AND NOT pg_has_role(relowner, 'USAGE'))
            """);
        return await command.ExecuteScalarAsync(cancellationToken) is true;
    }

    /// <inheritdoc/>
    public override async Task<IAsyncDisposable> LockSchema(CancellationToken cancellationToken)
    {
        var connection = await Connections.OpenConnectionAsync(cancellationToken);
        try
        {
            // The session holds the lock, so it falls with the connection if this process dies.
            await using var command = connection.Command("SELECT pg_advisory_lock(@key)", ("key", SchemaLock));
            command.CommandTimeout = (int)Math.Ceiling(_migrationTimeout.TotalSeconds);
            await command.ExecuteNonQueryAsync(cancellationToken);
            return new SessionLock(connection, SchemaLock);
        }
        catch (Exception e)
        {
            await connection.DisposeAsync();
            if (cancellationToken.IsCancellationRequested) throw;
            throw e is NpgsqlException { InnerException: TimeoutException }
                ? new StartRefusedException("Another silo has been migrating the database for too long.", e)
                : new StartRefusedException($"The database cannot be locked for migration: {e.Message}", e);
        }
    }

    /// <inheritdoc/>
    public override async Task<IAsyncDisposable?> TryLockResealing(CancellationToken cancellationToken)
    {
        var connection = await Connections.OpenConnectionAsync(cancellationToken);
        try
        {
            await using var command = connection.Command("SELECT pg_try_advisory_lock(@key)", ("key", ResealingLock));
            if (await command.ExecuteScalarAsync(cancellationToken) is true)
            {
                return new SessionLock(connection, ResealingLock);
            }
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }

        await connection.DisposeAsync();
        return null;
    }

    /// <inheritdoc/>
    public override async Task RemoveSilos(CancellationToken cancellationToken)
    {
        await using var connection = await Connections.OpenConnectionAsync(cancellationToken);
        await using var exists = connection.Command("SELECT to_regclass('okms_membership') IS NOT NULL");
        if (await exists.ExecuteScalarAsync(cancellationToken) is not true)
        {
            return;
        }

        // A running silo updates its row every few seconds; one that stopped cleanly has marked itself dead (6).
        await using var running = connection.Command(
            "SELECT count(*) FROM okms_membership WHERE status <> 6 AND i_am_alive_time > now() - interval '2 minutes'");
        if (await running.ExecuteScalarAsync(cancellationToken) is long silos and > 0)
        {
            throw new StartRefusedException(
                $"{silos} silos use this database, or did within the last 2 minutes. Stop all silos first.");
        }

        // One that the membership has forgotten, as after a dump without it, still writes its heartbeat every 3 seconds.
        await using var beating = connection.Command("SELECT count(*) FROM okms_silo WHERE seen_at > now() - interval '15 seconds'");
        if (await beating.ExecuteScalarAsync(cancellationToken) is long beats and > 0)
        {
            throw new StartRefusedException(
                $"{beats} silos use this database, or did within the last 15 seconds. Stop all silos first.");
        }

        await using var remove = connection.Command("DELETE FROM okms_membership; DELETE FROM okms_silo");
        await remove.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public override Task<T> Read<T>(Func<Task<T>> call) => call();

    /// <inheritdoc/>
    public override Task<T> Write<T>(Func<Task<T>> call) => call();

    /// <inheritdoc/>
    public override async Task<T> WriteRow<T>(Func<Task<T>> call)
    {
        // After the command time-out Npgsql asks the server to cancel, and a commit that waits for its synchronous standby then
        // returns success with a mere notice: the row is here, and not there. That does not count as success.
        var began = Stopwatch.GetTimestamp();
        var answer = await call();
        return Stopwatch.GetElapsedTime(began) < _longestWrite
            ? answer
            : throw new TimeoutException("The write took so long that its standby may not have it.");
    }

    /// <inheritdoc/>
    public override bool IsOutcomeUnknown(Exception failure) => failure switch
    {
        DatabaseUnreachableException => false,

        // The server reports the error for the statement itself, and rolled it back with its transaction: every call here is one
        // statement, or several sent as one transaction.
        PostgresException { InvariantSeverity: "ERROR" } e =>
            !(e.SqlState is PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected
                or PostgresErrorCodes.QueryCanceled
                || e.SqlState[..2] is "22" or "23" or "25" or "42" or "53" or "55"

                // A prepared statement is missing, or a migration changed its result; Npgsql prepares it again.
                or "0A" or "26"),
        _ => true,
    };

    /// <inheritdoc/>
    public override void CloseIdle() => _rowsNpgsql.Clear();

    /// <inheritdoc/>
    public override int RowLanes => Lanes;

    /// <inheritdoc/>
    public override async Task WriteRows(string serviceId, IReadOnlyList<RowWrite> writes)
    {
        await using var connection = await _rowConnections.OpenConnectionAsync().ConfigureAwait(false);
        await PostgresRows.Write((NpgsqlConnection)connection, serviceId, writes).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public override int ReadLanes => Readers;

    /// <inheritdoc/>
    public override async Task ReadRows(string serviceId, IReadOnlyList<RowRead> reads)
    {
        await using var connection = await _rowConnections.OpenConnectionAsync().ConfigureAwait(false);
        await PostgresRows.Read((NpgsqlConnection)connection, serviceId, reads).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public override bool IsDuplicate(Exception failure) => failure is PostgresException { SqlState: PostgresErrorCodes.UniqueViolation };

    /// <inheritdoc/>
    public override bool IsMissingReference(Exception failure) =>
        failure is PostgresException { SqlState: PostgresErrorCodes.ForeignKeyViolation };

    /// <inheritdoc/>
    public override void Dispose()
    {
        _connections.Dispose();
        _npgsql.Dispose();
        _rowConnections.Dispose();
        _rowsNpgsql.Dispose();
    }

    private async Task<DbConnection> Connect(CancellationToken cancellationToken)
    {
        try
        {
            return await Connections.OpenConnectionAsync(cancellationToken);
        }
        catch (DatabaseUnreachableException e)
        {
            var cause = e.InnerException!;
            throw new StartRefusedException($"Postgres cannot be reached: {cause.Message}{PoolerCheck.Explain(cause)}", e);
        }
    }

    // Postgres and its name may come up after us; a wrong password stays wrong, and a missing HSM is not for this loop.
    private static bool MayComeYet(Exception? failure) => failure switch
    {
        null => false,
        NpgsqlException { IsTransient: true } => true,
        DatabaseUnreachableException { InnerException: SocketException or TimeoutException } => true,
        _ => MayComeYet(failure.InnerException),
    };

    [LoggerMessage(Level = LogLevel.Warning, Message = "Waiting for Postgres, up to {Limit}: {Reason}")]
    private partial void WaitingForPostgres(TimeSpan limit, string reason);

    private sealed class SessionLock(DbConnection connection, long key) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await using (connection)
            {
                await using var command = connection.Command("SELECT pg_advisory_unlock(@key)", ("key", key));
                await command.ExecuteNonQueryAsync();
            }
        }
    }
}

using System.Data.Common;
using DbUp;
using DbUp.Builder;
using Npgsql;

namespace OrleansKms.Grains.Storage;

/// <summary>The database of a cluster.</summary>
internal sealed class PostgresDatabase : Database
{
    // Any constant that no other user of the same database is likely to lock.
    private const long SchemaLock = 0x4F4B_4D53_0001;
    private const long ResealingLock = 0x4F4B_4D53_0002;

    private readonly NpgsqlDataSource _npgsql;
    private readonly PostgresConnections _connections;
    private readonly string _connectionString;
    private readonly TimeSpan _migrationTimeout;

    /// <summary>Names the database; connects to nothing yet.</summary>
    /// <exception cref="StartRefusedException">It is not a connection string.</exception>
    public PostgresDatabase(string connectionString, TimeSpan migrationTimeout)
    {
        _migrationTimeout = migrationTimeout;
        _connectionString = Complete(connectionString);
        _npgsql = NpgsqlDataSource.Create(_connectionString);
        _connections = new PostgresConnections(_npgsql);
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
    public override string Probe => "SELECT NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off'";

    /// <inheritdoc/>
    public override bool IsShared => true;

    /// <inheritdoc/>
    public override string LiveSilos => "seen_at > CURRENT_TIMESTAMP - make_interval(secs => @seconds)";

    /// <inheritdoc/>
    public override UpgradeEngineBuilder Migrations =>
        DeployChanges.To.PostgresqlDatabase(_connectionString)
            .JournalToPostgresqlTable(null, "okms_migration")
            .WithExecutionTimeout(_migrationTimeout);

    /// <inheritdoc/>
    public override async Task Prepare(CancellationToken cancellationToken)
    {
        await using var connection = await Connect(cancellationToken);
        await using var command = connection.Command(
            "SELECT current_setting('fsync'), current_setting('synchronous_commit')");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        foreach (var (setting, ordinal) in new[] { ("fsync", 0), ("synchronous_commit", 1) })
        {
            if (reader.GetString(ordinal) == "off")
            {
                throw new StartRefusedException(
                    $"Postgres runs with {setting} off, so it can lose what it has acknowledged. Turn {setting} on.");
            }
        }
    }

    /// <inheritdoc/>
    public override async Task<IAsyncDisposable> LockSchema(CancellationToken cancellationToken)
    {
        var connection = await Connections.OpenConnectionAsync(cancellationToken);
        try
        {
            // Held by the session, so it falls with the connection if this process dies.
            await using var command = connection.Command("SELECT pg_advisory_lock(@key)", ("key", SchemaLock));
            command.CommandTimeout = (int)Math.Ceiling(_migrationTimeout.TotalSeconds);
            await command.ExecuteNonQueryAsync(cancellationToken);
            return new SessionLock(connection, SchemaLock);
        }
        catch (Exception e)
        {
            await connection.DisposeAsync();
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
    public override Task<T> Read<T>(Func<Task<T>> call) => call();

    /// <inheritdoc/>
    public override Task<T> Write<T>(Func<Task<T>> call) => call();

    /// <inheritdoc/>
    public override bool IsOutcomeUnknown(Exception failure) => failure switch
    {
        DatabaseUnreachableException => false,

        // An error that the server reports for the statement itself: it took the statement back. Every call here is one
        // statement in a transaction of its own.
        PostgresException { InvariantSeverity: "ERROR" } e =>
            !(e.SqlState is PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected
                or PostgresErrorCodes.QueryCanceled
                || e.SqlState[..2] is "22" or "23" or "25" or "42" or "53" or "55"),
        _ => true,
    };

    /// <inheritdoc/>
    public override bool IsMissingReference(Exception failure) =>
        failure is PostgresException { SqlState: PostgresErrorCodes.ForeignKeyViolation };

    /// <inheritdoc/>
    public override void Dispose()
    {
        _connections.Dispose();
        _npgsql.Dispose();
    }

    private async Task<DbConnection> Connect(CancellationToken cancellationToken)
    {
        try
        {
            return await Connections.OpenConnectionAsync(cancellationToken);
        }
        catch (DatabaseUnreachableException e)
        {
            throw new StartRefusedException($"Postgres cannot be reached: {e.InnerException!.Message}", e);
        }
    }

    private static string Complete(string connectionString)
    {
        try
        {
            var builder = new NpgsqlConnectionStringBuilder(connectionString);
            builder.ApplicationName ??= "orleanskms";
            if (!builder.ShouldSerialize("Timeout"))
            {
                builder.Timeout = 5;
            }

            if (!builder.ShouldSerialize("Command Timeout"))
            {
                builder.CommandTimeout = 5;
            }

            return builder.ConnectionString;
        }
        catch (Exception e) when (e is ArgumentException or FormatException)
        {
            // Without the cause's text, which may repeat a part of the string with the password in it.
            throw new StartRefusedException("The Postgres connection string is not valid.");
        }
    }

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

/// <summary>Opens Postgres connections, and tells a connection that was not opened from a statement that failed.</summary>
internal sealed class PostgresConnections(NpgsqlDataSource npgsql) : DbDataSource
{
    /// <inheritdoc/>
    public override string ConnectionString => npgsql.ConnectionString;

    /// <inheritdoc/>
    protected override DbConnection CreateDbConnection() => npgsql.CreateConnection();

    /// <inheritdoc/>
    protected override DbConnection OpenDbConnection()
    {
        try
        {
            return npgsql.OpenConnection();
        }
        catch (Exception e)
        {
            throw new DatabaseUnreachableException(e);
        }
    }

    /// <inheritdoc/>
    protected override async ValueTask<DbConnection> OpenDbConnectionAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            return await npgsql.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new DatabaseUnreachableException(e);
        }
    }
}

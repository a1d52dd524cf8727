using System.Data.Common;
using System.Runtime.CompilerServices;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace OrleansKms.Grains.Storage;

/// <summary>
/// Opens SQLite connections on which an acknowledged commit is on the disk. That takes settings of the connection, not of the
/// file, and a connection string cannot set them; so the Orleans providers get their connections here too. The pool keeps the
/// handles of closed connections, with their settings, so each handle is set up once.
/// </summary>
internal sealed class SqliteConnections(string connectionString) : DbDataSource
{
    // secure_delete overwrites deleted data with zeros, so that erased material does not stay in free pages. The busy time-out
    // makes SQLite wait in its own steps; without it the client sleeps 150 ms at a time.
    private const string Settings = $"PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA foreign_keys = ON; {Patience};";

    /// <summary>How long a statement waits for another connection.</summary>
    public const string Patience = "PRAGMA busy_timeout = 5000";

    private readonly ConditionalWeakTable<sqlite3, object> _setUp = [];

    /// <inheritdoc/>
    public override string ConnectionString => connectionString;

    /// <inheritdoc/>
    protected override DbConnection CreateDbConnection() => new SqliteConnection(connectionString);

    /// <inheritdoc/>
    protected override DbConnection OpenDbConnection()
    {
        var connection = new SqliteConnection(connectionString);
        try
        {
            connection.Open();
            var handle = connection.Handle!;
            if (!_setUp.TryGetValue(handle, out _))
            {
                using var command = connection.CreateCommand();
                command.CommandText = Settings;
                command.ExecuteNonQuery();
                _setUp.Add(handle, this);
            }

            return connection;
        }
        catch (Exception e)
        {
            connection.Dispose();
            throw new DatabaseUnreachableException(e);
        }
    }

    /// <inheritdoc/>
    protected override ValueTask<DbConnection> OpenDbConnectionAsync(CancellationToken cancellationToken = default) =>
        cancellationToken.IsCancellationRequested
            ? ValueTask.FromCanceled<DbConnection>(cancellationToken)
            : ValueTask.FromResult(OpenDbConnection());

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            using var connection = new SqliteConnection(connectionString);
            SqliteConnection.ClearPool(connection);
        }

        base.Dispose(disposing);
    }
}

using System.Data.Common;
using Microsoft.Data.Sqlite;

namespace OrleansKms.Grains.Storage;

/// <summary>
/// Writes rows of keys to SQLite, on a connection of its own with prepared statements. Used by one thread at a time, the one that holds
/// the database's gate for writes.
/// </summary>
internal sealed class SqliteRows(SqliteConnections connections) : IDisposable
{
    private const string Now = "CAST(unixepoch('subsec') * 1000 AS INTEGER)";

    private const string Insert =
        $"""
        INSERT INTO okms_row (service_id, row_name, grain_key, payload, version, modified_at) VALUES (@service, @name, @key, @payload, 1, {Now})
        """;

    private const string InsertFirst = Insert + " ON CONFLICT (service_id, row_name, grain_key) DO NOTHING";

    private const string Update =
        $"""
        UPDATE okms_row SET payload = @payload, version = version + 1, modified_at = {Now}
        WHERE service_id = @service AND row_name = @name AND grain_key = @key AND version = @version
        """;

    private DbConnection? _connection;
    private Statement? _insertFirst;
    private Statement? _insertSecond;
    private Statement? _update;

    /// <summary>Writes rows in one transaction, and sets what became of each.</summary>
    public void Write(string serviceId, IReadOnlyList<RowWrite> writes)
    {
        try
        {
            var connection = Open();
            using var transaction = ((SqliteConnection)connection).BeginTransaction(deferred: false);
            foreach (var write in writes) write.NewVersion = Write(transaction, serviceId, write);
            transaction.Commit();
        }
        catch
        {
            // Whatever state the connection is in, the next transaction begins on another.
            Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var statement in (Statement?[])[_insertFirst, _insertSecond, _update]) statement?.Dispose();
        (_insertFirst, _insertSecond, _update) = (null, null, null);
        _connection?.Dispose();
        _connection = null;
    }

    private int? Write(DbTransaction transaction, string serviceId, RowWrite write)
    {
        if (write.Version is { } version)
        {
            return _update!.Run(transaction, serviceId, write.Name, write.Key, write.Payload, version) == 1 ? version + 1 : null;
        }

        if (_insertFirst!.Run(transaction, serviceId, write.Name, write.Key, write.Payload, null) == 0) return null;
        if (write.Second is var (name, payload)) _insertSecond!.Run(transaction, serviceId, name, write.Key, payload, null);
        return 1;
    }

    private DbConnection Open()
    {
        if (_connection is not null) return _connection;
        _connection = connections.OpenConnection();
        (_insertFirst, _insertSecond, _update) = (new(_connection, InsertFirst), new(_connection, Insert), new(_connection, Update));
        return _connection;
    }

    private sealed class Statement : IDisposable
    {
        private readonly DbCommand _command;

        public Statement(DbConnection connection, string text) => _command = connection.Command(
            text, ("service", ""), ("name", ""), ("key", ""), ("payload", Array.Empty<byte>()), ("version", 0));

        /// <summary>How many rows it changed.</summary>
        public int Run(DbTransaction transaction, string serviceId, string name, string key, byte[] payload, int? version)
        {
            var parameters = _command.Parameters;
            (parameters[0].Value, parameters[1].Value, parameters[2].Value, parameters[3].Value) = (serviceId, name, key, payload);
            parameters[4].Value = version ?? 0;
            _command.Transaction = transaction;
            return _command.ExecuteNonQuery();
        }

        public void Dispose() => _command.Dispose();
    }
}

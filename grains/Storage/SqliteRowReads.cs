using System.Data.Common;

namespace OrleansKms.Grains.Storage;

/// <summary>
/// Reads rows of keys from SQLite, by a prepared statement on a connection of its own: setting up a statement costs more than finding a
/// row. It keeps no transaction open between two rows, so the log can be written back.
/// </summary>
internal sealed class SqliteRowReads(SqliteConnections connections) : IDisposable
{
    private const string Select =
        "SELECT payload, version FROM okms_row WHERE service_id = @service AND row_name = @name AND grain_key = @key";

    // A pair is as it was at one moment.
    private const string SelectBoth =
        """
        SELECT payload, version, row_name FROM okms_row
        WHERE service_id = @service AND row_name IN (@name, @second) AND grain_key = @key
        """;

    private readonly Lock _lock = new();
    private DbConnection? _connection;
    private DbCommand? _select;
    private DbCommand? _selectBoth;
    private bool _isOver;

    /// <summary>Reads rows.</summary>
    public void Read(string serviceId, IReadOnlyList<RowRead> reads)
    {
        lock (_lock)
        {
            if (_isOver) throw new DatabaseUnreachableException(new ObjectDisposedException(nameof(SqliteRowReads)));
            try
            {
                Open();
                foreach (var read in reads) Read(serviceId, read);
            }
            catch
            {
                Close();
                throw;
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            _isOver = true;
            Close();
        }
    }

    private void Read(string serviceId, RowRead read)
    {
        var isPair = read.Names.Length == 2;
        var command = isPair ? _selectBoth! : _select!;
        command.Parameters["service"].Value = serviceId;
        command.Parameters["name"].Value = read.Names[0];
        command.Parameters["key"].Value = read.Key;
        if (isPair) command.Parameters["second"].Value = read.Names[1];
        using var reader = command.ExecuteReader();
        while (reader.Read())
        {
            var index = isPair && reader.GetString(2) == read.Names[1] ? 1 : 0;
            read.Found[index] = new((byte[])reader.GetValue(0), reader.GetInt32(1));
        }
    }

    private void Open()
    {
        if (_connection is not null) return;
        _connection = connections.OpenConnection();
        _select = _connection.Command(Select, ("service", ""), ("name", ""), ("key", ""));
        _selectBoth = _connection.Command(SelectBoth, ("service", ""), ("name", ""), ("key", ""), ("second", ""));
    }

    private void Close()
    {
        _select?.Dispose();
        _selectBoth?.Dispose();
        _connection?.Dispose();
        (_connection, _select, _selectBoth) = (null, null, null);
    }
}

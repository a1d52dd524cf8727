using Npgsql;

namespace OrleansKms.Grains.Storage;

/// <summary>
/// Writes rows of keys to Postgres: one statement for each, all sent at once and committed together. The statements are those that the
/// Orleans provider uses, each for one case; they are prepared, and no plan depends on how many rows the table has.
/// </summary>
internal static class PostgresRows
{
    private const string Insert =
        """
        INSERT INTO okms_row (service_id, row_name, grain_key, payload, version) VALUES ($1, $2, $3, $4, 1)
        ON CONFLICT (service_id, row_name, grain_key) DO NOTHING RETURNING version
        """;

    // The second row fails the statement where there is one already: both or neither.
    private const string InsertBoth =
        """
        WITH first AS (
          INSERT INTO okms_row (service_id, row_name, grain_key, payload, version) VALUES ($1, $2, $3, $4, 1)
          ON CONFLICT (service_id, row_name, grain_key) DO NOTHING RETURNING version
        ), second AS (
          INSERT INTO okms_row (service_id, row_name, grain_key, payload, version) SELECT $1, $5, $3, $6, 1 FROM first
        )
        SELECT version FROM first
        """;

    private const string Update =
        """
        UPDATE okms_row SET payload = $4, version = version + 1, modified_at = clock_timestamp()
        WHERE service_id = $1 AND row_name = $2 AND grain_key = $3 AND version = $5 RETURNING version
        """;

    /// <summary>Writes rows in one transaction, and sets what became of each.</summary>
    public static async Task Write(NpgsqlConnection connection, string serviceId, IReadOnlyList<RowWrite> writes)
    {
        await using var batch = connection.CreateBatch();
        foreach (var write in writes) batch.BatchCommands.Add(Command(serviceId, write));

        // Without a barrier between them, the commands are one transaction, which is committed before the last answer.
        await using var reader = await batch.ExecuteReaderAsync().ConfigureAwait(false);
        foreach (var write in writes)
        {
            write.NewVersion = await reader.ReadAsync().ConfigureAwait(false) ? reader.GetInt32(0) : null;
            await reader.NextResultAsync().ConfigureAwait(false);
        }
    }

    private static NpgsqlBatchCommand Command(string serviceId, RowWrite write)
    {
        var command = new NpgsqlBatchCommand(write.Version is not null ? Update : write.Second is null ? Insert : InsertBoth);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = serviceId });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = write.Name });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = write.Key });
        command.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = write.Payload });
        if (write.Version is { } version) command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = version });
        if (write.Second is var (name, payload))
        {
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = name });
            command.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = payload });
        }

        return command;
    }
}

using Npgsql;

namespace OrleansKms.Grains.Storage;

/// <summary>
/// Reads and writes rows of keys on Postgres, many in one statement. No plan may depend on how many rows the table had when it was made,
/// since prepared statements keep theirs: so rows are never joined with the table, they are looked up in its primary key one by one.
/// </summary>
internal static class PostgresRows
{
    /// <summary>
    /// What connections for these statements are opened with. One plan for each statement, for any number of rows: to a planner that last saw a
    /// table of one page, reading all of it looks cheapest. And no long wait for a row that somebody has locked, so that the other rows of the
    /// batch are soon written without it.
    /// </summary>
    public const string Options =
        "-c enable_seqscan=off -c enable_bitmapscan=off -c plan_cache_mode=force_generic_plan -c jit=off -c lock_timeout=500ms";

    // The second row fails the statement where there is one already: both or neither.
    private const string Insert =
        """
        WITH given AS (
          SELECT * FROM unnest($2::text[], $3::text[], $4::bytea[], $5::text[], $6::bytea[])
            AS g (row_name, grain_key, payload, second_name, second_payload)
        ), first AS (
          INSERT INTO okms_row (service_id, row_name, grain_key, payload, version)
          SELECT $1, row_name, grain_key, payload, 1 FROM given
          ON CONFLICT (service_id, row_name, grain_key) DO NOTHING RETURNING row_name, grain_key
        ), second AS (
          INSERT INTO okms_row (service_id, row_name, grain_key, payload, version)
          SELECT $1, g.second_name, g.grain_key, g.second_payload, 1 FROM first JOIN given g USING (row_name, grain_key)
          WHERE g.second_name IS NOT NULL
        )
        SELECT row_name, grain_key, 1 FROM first
        """;

    private const string Update =
        """
        UPDATE okms_row SET payload = ($4::bytea[])[array_position($3::text[], grain_key)], version = version + 1, modified_at = clock_timestamp()
        WHERE service_id = $1 AND row_name = $2 AND grain_key = ANY ($3::text[]) AND version = ($5::int[])[array_position($3::text[], grain_key)]
        RETURNING row_name, grain_key, version
        """;

    // The limit keeps the planner from making a join of it.
    private const string Select =
        """
        SELECT (g.place - 1)::int, r.payload, r.version FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS g (row_name, grain_key, place)
        CROSS JOIN LATERAL (
          SELECT payload, version FROM okms_row WHERE service_id = $1 AND row_name = g.row_name AND grain_key = g.grain_key LIMIT 1) AS r
        """;

    /// <summary>Writes rows in one transaction, and sets what became of each. No row is among them twice.</summary>
    public static async Task Write(NpgsqlConnection connection, string serviceId, IReadOnlyList<RowWrite> writes)
    {
        await using var batch = connection.CreateBatch();
        var inserts = writes.Where(write => write.Version is null).ToArray();
        if (inserts.Length > 0) batch.BatchCommands.Add(InsertOf(serviceId, inserts));
        foreach (var updates in writes.Where(write => write.Version is not null).GroupBy(write => write.Name).OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            batch.BatchCommands.Add(UpdateOf(serviceId, updates.Key, [.. updates]));
        }

        // Without a barrier between them, the commands are one transaction, which is committed before the last answer.
        var byRow = writes.ToDictionary(write => (write.Name, write.Key));
        await using var reader = await batch.ExecuteReaderAsync().ConfigureAwait(false);
        do
        {
            while (await reader.ReadAsync().ConfigureAwait(false))
            {
                byRow[(reader.GetString(0), reader.GetString(1))].NewVersion = reader.GetInt32(2);
            }
        }
        while (await reader.NextResultAsync().ConfigureAwait(false));
    }

    /// <summary>Reads rows in one query.</summary>
    public static async Task Read(NpgsqlConnection connection, string serviceId, IReadOnlyList<RowRead> reads)
    {
        var rows = reads.SelectMany(read => read.Names.Select((name, index) => (Read: read, Name: name, Index: index))).ToArray();
        await using var command = connection.CreateCommand();
        command.CommandText = Select;
        command.Parameters.Add(Of(serviceId));
        command.Parameters.Add(Of(Array.ConvertAll(rows, row => row.Name)));
        command.Parameters.Add(Of(Array.ConvertAll(rows, row => row.Read.Key)));
        await using var reader = await command.ExecuteReaderAsync().ConfigureAwait(false);
        while (await reader.ReadAsync().ConfigureAwait(false))
        {
            var (read, _, index) = rows[reader.GetInt32(0)];
            read.Found[index] = new(reader.GetFieldValue<byte[]>(1), reader.GetInt32(2));
        }
    }

    private static NpgsqlBatchCommand InsertOf(string serviceId, RowWrite[] writes) => new(Insert)
    {
        Parameters =
        {
            Of(serviceId),
            Of(Array.ConvertAll(writes, write => write.Name)),
            Of(Array.ConvertAll(writes, write => write.Key)),
            Of(Array.ConvertAll(writes, write => write.Payload)),
            Of(Array.ConvertAll(writes, write => write.Second?.Name)),
            Of(Array.ConvertAll(writes, write => write.Second?.Payload)),
        },
    };

    private static NpgsqlBatchCommand UpdateOf(string serviceId, string name, RowWrite[] writes) => new(Update)
    {
        Parameters =
        {
            Of(serviceId),
            Of(name),
            Of(Array.ConvertAll(writes, write => write.Key)),
            Of(Array.ConvertAll(writes, write => write.Payload)),
            Of(Array.ConvertAll(writes, write => write.Version!.Value)),
        },
    };

    private static NpgsqlParameter<T> Of<T>(T value) => new() { TypedValue = value };
}

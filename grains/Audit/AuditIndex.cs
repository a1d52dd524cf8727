using System.Globalization;
using System.Text;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Audit;

/// <summary>Reads and writes the table okms_audit_record: the searchable copy of the records. The log files are authoritative.</summary>
internal sealed class AuditIndex(Database database)
{
    private const string Newest = "ORDER BY recorded_at DESC, log_id DESC, sequence DESC";

    /// <summary>The number of records copied from a log; null if the database does not know the log yet.</summary>
    public Task<long?> CountCopied(string logId, CancellationToken cancellationToken) => database.Read(async () =>
    {
        await using var connection = await database.Connections.OpenConnectionAsync(cancellationToken);
        await using var command = connection.Command("SELECT copied FROM okms_audit_log WHERE log_id = @id", ("id", logId));
        return await command.ExecuteScalarAsync(cancellationToken) is { } copied ? Convert.ToInt64(copied, CultureInfo.InvariantCulture) : (long?)null;
    });

    /// <summary>Copies records and advances the log's mark, in one transaction.</summary>
    /// <param name="logId">The log.</param>
    /// <param name="from">The first record's number, which is the current mark.</param>
    /// <param name="to">The number after the last one.</param>
    /// <param name="records">The records as a JSON array.</param>
    /// <param name="cancellationToken">Cancels the copy.</param>
    /// <returns>False if another process has moved the mark.</returns>
    public Task<bool> Copy(string logId, long from, long to, string records, CancellationToken cancellationToken) => database.Write(async () =>
    {
        await using var connection = await database.Connections.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        if (await transaction.Execute(
            "UPDATE okms_audit_log SET copied = @to WHERE log_id = @id AND copied = @from",
            [("id", logId), ("from", from), ("to", to)], cancellationToken) == 0)
        {
            return false;
        }

        // The database parses the records, which saves the silo's CPU.
        await transaction.Execute(
            $"""
            INSERT INTO okms_audit_record (recorded_at, log_id, sequence, action, outcome, principal, key_id, record)
            {(database.IsShared
                ? "SELECT r->>'time', r->>'log', (r->>'sequence')::bigint, r->>'action', r->>'outcome', r->>'principal', r->>'key_id', r::text FROM json_array_elements(@records::json) AS r"
                : "SELECT value->>'time', value->>'log', value->>'sequence', value->>'action', value->>'outcome', value->>'principal', value->>'key_id', value FROM json_each(@records) WHERE true")}
            ON CONFLICT DO NOTHING
            """,
            [("records", records)], cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return true;
    });

    /// <summary>Deletes older records, up to a limit per call.</summary>
    public Task<int> Forget(DateTimeOffset before, int limit, CancellationToken cancellationToken) => database.Write(async () =>
    {
        await using var connection = await database.Connections.OpenConnectionAsync(cancellationToken);
        await using var command = connection.Command(
            """
            DELETE FROM okms_audit_record WHERE (recorded_at, log_id, sequence) IN (
              SELECT recorded_at, log_id, sequence FROM okms_audit_record WHERE recorded_at < @before ORDER BY recorded_at LIMIT @limit)
            """,
            ("before", AuditPlace.TextOf(before)), ("limit", limit));
        return await command.ExecuteNonQueryAsync(cancellationToken);
    });

    /// <summary>Finds records, newest first.</summary>
    /// <param name="query">What to find.</param>
    /// <param name="after">The record after which to continue.</param>
    /// <param name="cancellationToken">Cancels the search.</param>
    public Task<List<(AuditPlace Place, string Record)>> Search(AuditQuery query, AuditPlace? after, CancellationToken cancellationToken)
    {
        var text = new StringBuilder("SELECT recorded_at, log_id, sequence, record FROM okms_audit_record WHERE 1 = 1");
        var parameters = new List<(string, object)>();
        void Where(string clause, string name, object? value)
        {
            if (value is null) return;
            text.Append(" AND ").Append(clause);
            parameters.Add((name, value));
        }

        Where("key_id = @key", "key", query.KeyId);
        Where("principal = @principal", "principal", query.Principal);
        Where("action = @action", "action", query.Action);
        Where("outcome = @outcome", "outcome", query.Outcome);
        Where("recorded_at >= @from", "from", query.From is { } from ? AuditPlace.TextOf(from) : null);
        Where("recorded_at < @to", "to", query.To is { } to ? AuditPlace.TextOf(to) : null);
        if (after is { } place)
        {
            text.Append(" AND (recorded_at, log_id, sequence) < (@at, @log, @sequence)");
            parameters.AddRange([("at", place.RecordedAt), ("log", place.LogId), ("sequence", place.Sequence)]);
        }

        text.Append(' ').Append(Newest).Append(" LIMIT @limit");
        parameters.Add(("limit", query.Limit + 1));
        return database.Read(() => Read(text.ToString(), [.. parameters], cancellationToken));
    }

    private async Task<List<(AuditPlace, string)>> Read(string text, (string, object)[] parameters, CancellationToken cancellationToken)
    {
        await using var connection = await database.Connections.OpenConnectionAsync(cancellationToken);
        await using var command = connection.Command(text, parameters);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var found = new List<(AuditPlace, string)>();
        while (await reader.ReadAsync(cancellationToken))
        {
            found.Add((new(reader.GetString(0), reader.GetString(1), reader.GetInt64(2)), reader.GetString(3)));
        }

        return found;
    }
}

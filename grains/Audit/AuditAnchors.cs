using System.Data.Common;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Audit;

/// <summary>A log as the database knows it.</summary>
/// <param name="Id">The log's id, which is its folder's name.</param>
/// <param name="Key">The log's verifier key, in C2SP's format.</param>
/// <param name="Silo">The silo that wrote it last.</param>
/// <param name="Size">The number of records in the last checkpoint.</param>
/// <param name="Checkpoint">The last checkpoint, signed.</param>
/// <param name="SignedAt">When the database received it, UTC.</param>
/// <param name="Copied">The number of records copied for search.</param>
internal sealed record AuditAnchor(string Id, string Key, string Silo, long Size, string Checkpoint, DateTimeOffset SignedAt, long Copied = 0);

/// <summary>
/// Reads and writes the table okms_audit_log: the last checkpoint of each log, beyond the reach of someone with access only to a silo's
/// disk.
/// </summary>
internal sealed class AuditAnchors(Database database)
{
    private const string Columns = "log_id, verifier_key, silo, size, checkpoint, signed_at, copied";

    /// <summary>Stores a log's checkpoint, unless a later one is stored already.</summary>
    public Task Keep(AuditAnchor anchor, CancellationToken cancellationToken) => database.Write(async () =>
    {
        await using var connection = await database.Connections.OpenConnectionAsync(cancellationToken);
        await using var command = connection.Command(
            """
            INSERT INTO okms_audit_log (log_id, verifier_key, silo, size, checkpoint)
            VALUES (@id, @key, @silo, @size, @checkpoint)
            ON CONFLICT (log_id) DO UPDATE
            SET silo = excluded.silo, size = excluded.size, checkpoint = excluded.checkpoint, signed_at = CURRENT_TIMESTAMP
            WHERE okms_audit_log.size <= excluded.size
            """,
            ("id", anchor.Id), ("key", anchor.Key), ("silo", anchor.Silo), ("size", anchor.Size), ("checkpoint", anchor.Checkpoint));
        return await command.ExecuteNonQueryAsync(cancellationToken);
    });

    /// <summary>A log's checkpoint; null if the database has none.</summary>
    public async Task<AuditAnchor?> Find(string id, CancellationToken cancellationToken) =>
        (await Read("WHERE log_id = @id", [("id", id)], cancellationToken)).SingleOrDefault();

    /// <summary>All logs, newest first.</summary>
    public Task<List<AuditAnchor>> ReadAll(CancellationToken cancellationToken) => Read("ORDER BY log_id DESC", [], cancellationToken);

    private Task<List<AuditAnchor>> Read(string which, (string, object)[] parameters, CancellationToken cancellationToken) =>
        database.Read(async () =>
        {
            await using var connection = await database.Connections.OpenConnectionAsync(cancellationToken);
            await using var command = connection.Command($"SELECT {Columns} FROM okms_audit_log {which}", parameters);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            var anchors = new List<AuditAnchor>();
            while (await reader.ReadAsync(cancellationToken))
            {
                anchors.Add(Read(reader));
            }

            return anchors;
        });

    private static AuditAnchor Read(DbDataReader reader) => new(
        reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.GetInt64(3), reader.GetString(4),
        new(DateTime.SpecifyKind(reader.GetDateTime(5), DateTimeKind.Utc)), reader.GetInt64(6));
}

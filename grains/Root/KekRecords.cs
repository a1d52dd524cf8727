using System.Data;
using System.Data.Common;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Root;

/// <summary>A KEK's life, as the database records it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="CreatedAt">When it was made, UTC.</param>
/// <param name="IsCurrent">Whether new rows are sealed under it.</param>
/// <param name="SupersededAt">When another one became current, UTC; null before.</param>
/// <param name="Rows">Rows that are sealed under it.</param>
/// <param name="Resealed">Rows that the sweep has resealed under another KEK.</param>
/// <param name="ResealRate">Rows a second that the sweep resealed last time.</param>
/// <param name="Roots">The roots that wrap it.</param>
internal sealed record KekRecord(
    KekId Id, DateTimeOffset CreatedAt, bool IsCurrent, DateTimeOffset? SupersededAt, long Rows, long Resealed, double ResealRate,
    IReadOnlyList<string> Roots);

/// <summary>A KEK that is gone.</summary>
/// <param name="Id">Its id.</param>
/// <param name="CreatedAt">When it was made, UTC.</param>
/// <param name="DestroyedAt">When it was destroyed, UTC.</param>
internal sealed record DestroyedKek(KekId Id, DateTimeOffset CreatedAt, DateTimeOffset DestroyedAt);

/// <summary>Reads the lives of KEKs, and ends them.</summary>
internal sealed class KekRecords(Database database, TimeProvider time)
{
    private const string Life = "SELECT k.kek_id, k.created_at, k.is_current, k.superseded_at, k.resealed, k.reseal_rate, ";

    /// <summary>All KEKs, oldest first, with their rows counted: for operators, since it scans an index.</summary>
    public Task<List<KekRecord>> ReadAll(CancellationToken cancellationToken) => database.Read(async () =>
    {
        await using var connection = await database.Connections.OpenConnectionAsync(cancellationToken);
        var roots = await ReadRoots(connection, cancellationToken);
        await using var command = connection.Command(
            Life + "(SELECT count(*) FROM okms_row r WHERE r.kek_id = k.kek_id) FROM okms_kek k ORDER BY k.created_at, k.kek_id");
        return await Read(command, roots, cancellationToken);
    });

    /// <summary>The KEKs other than the current one, oldest first; the count of their rows is 1 for any.</summary>
    public Task<List<KekRecord>> ReadOthers(CancellationToken cancellationToken) => database.Read(async () =>
    {
        await using var connection = await database.Connections.OpenConnectionAsync(cancellationToken);
        await using var command = connection.Command(
            Life +
            """
            CAST(CASE WHEN EXISTS (SELECT 1 FROM okms_row r WHERE r.kek_id = k.kek_id) THEN 1 ELSE 0 END AS bigint)
            FROM okms_kek k WHERE NOT k.is_current ORDER BY k.created_at, k.kek_id
            """);
        return await Read(command, Enumerable.Empty<(KekId, string)>().ToLookup(r => r.Item1, r => r.Item2), cancellationToken);
    });

    /// <summary>The roots that wrap a KEK and do not vouch for the newest manifest; none where there is no manifest.</summary>
    /// <param name="rootId">The root that made the newest manifest.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    public Task<List<string>> ReadRootsBehind(string rootId, CancellationToken cancellationToken) => database.Read(async () =>
    {
        await using var connection = await database.Connections.OpenConnectionAsync(cancellationToken);
        await using var command = connection.Command(
            """
            SELECT DISTINCT w.root_id FROM okms_kek_wrap w JOIN okms_kek_manifest m ON m.root_id = @root
            WHERE NOT EXISTS (SELECT 1 FROM okms_kek_manifest o WHERE o.root_id = w.root_id AND o.manifest = m.manifest)
            ORDER BY w.root_id
            """, ("root", rootId));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var roots = new List<string>();
        while (await reader.ReadAsync(cancellationToken))
        {
            roots.Add(reader.GetString(0));
        }

        return roots;
    });

    /// <summary>The roots that wrap any KEK.</summary>
    public Task<List<string>> ReadRoots(CancellationToken cancellationToken) => database.Read(async () =>
    {
        await using var connection = await database.Connections.OpenConnectionAsync(cancellationToken);
        await using var command = connection.Command("SELECT DISTINCT root_id FROM okms_kek_wrap ORDER BY root_id");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var roots = new List<string>();
        while (await reader.ReadAsync(cancellationToken))
        {
            roots.Add(reader.GetString(0));
        }

        return roots;
    });

    /// <summary>The destroyed KEKs, oldest first.</summary>
    public Task<List<DestroyedKek>> ReadDestroyed(CancellationToken cancellationToken) => database.Read(async () =>
    {
        await using var connection = await database.Connections.OpenConnectionAsync(cancellationToken);
        await using var command = connection.Command(
            "SELECT kek_id, created_at, destroyed_at FROM okms_kek_destroyed ORDER BY destroyed_at, kek_id");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var keks = new List<DestroyedKek>();
        while (await reader.ReadAsync(cancellationToken))
        {
            keks.Add(new(Id(reader), Time(reader, 1), Time(reader, 2)));
        }

        return keks;
    });

    /// <summary>
    /// Deletes a KEK with all its wraps, and records that. If a row needs it the database refuses, whatever was counted before.
    /// </summary>
    /// <exception cref="DbException">It is in use (<see cref="Database.IsMissingReference"/>), or the database failed.</exception>
    /// <param name="id">The KEK.</param>
    /// <param name="manifest">The manifest without it; null where there is none.</param>
    /// <param name="cancellationToken">Cancels the transaction.</param>
    /// <exception cref="KmsException">conflict: the ring was changed in the meantime.</exception>
    public Task Delete(KekId id, ManifestChange? manifest, CancellationToken cancellationToken) => database.Write(async () =>
    {
        await using var connection = await database.Connections.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.ReadCommitted, cancellationToken);
        await transaction.Execute(
            """
            INSERT INTO okms_kek_destroyed (kek_id, created_at, destroyed_at)
            SELECT kek_id, created_at, @now FROM okms_kek WHERE kek_id = @id AND NOT is_current
            """,
            [("id", id.ToBytes()), ("now", time.GetUtcNow().UtcDateTime)], cancellationToken);
        if (await transaction.Execute(
            "DELETE FROM okms_kek WHERE kek_id = @id AND NOT is_current", [("id", id.ToBytes())], cancellationToken) > 0)
        {
            await SystemEvents.Add(transaction, "kek-destroy", $"{id}", time.GetUtcNow().UtcDateTime, cancellationToken);
        }

        await KekStore.Change(transaction, manifest, time.GetUtcNow().UtcDateTime, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return true;
    });

    private static async Task<ILookup<KekId, string>> ReadRoots(DbConnection connection, CancellationToken cancellationToken)
    {
        await using var command = connection.Command("SELECT kek_id, root_id FROM okms_kek_wrap ORDER BY created_at, root_id");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var roots = new List<(KekId Kek, string Root)>();
        while (await reader.ReadAsync(cancellationToken))
        {
            roots.Add((Id(reader), reader.GetString(1)));
        }

        return roots.ToLookup(r => r.Kek, r => r.Root);
    }

    private static async Task<List<KekRecord>> Read(DbCommand command, ILookup<KekId, string> roots, CancellationToken cancellationToken)
    {
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var keks = new List<KekRecord>();
        while (await reader.ReadAsync(cancellationToken))
        {
            var id = Id(reader);
            keks.Add(new(
                id, Time(reader, 1), reader.GetBoolean(2),
                await reader.IsDBNullAsync(3, cancellationToken) ? null : Time(reader, 3),
                reader.GetInt64(6), reader.GetInt64(4), reader.GetDouble(5), [.. roots[id]]));
        }

        return keks;
    }

    private static KekId Id(DbDataReader reader) => KekId.Read((byte[])reader.GetValue(0));

    private static DateTimeOffset Time(DbDataReader reader, int ordinal) =>
        new(DateTime.SpecifyKind(reader.GetDateTime(ordinal), DateTimeKind.Utc));
}

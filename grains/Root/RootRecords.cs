using System.Data.Common;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Root;

/// <summary>A KEK with all its wraps.</summary>
/// <param name="Id">Its id.</param>
/// <param name="CreatedAt">When it was made, UTC.</param>
/// <param name="Wraps">The wrap by each root, by the root's id.</param>
/// <param name="IsCurrent">Whether new rows are sealed under it.</param>
/// <param name="IsNew">Whether it was never the current one.</param>
internal sealed record WrappedKek(
    KekId Id, DateTimeOffset CreatedAt, IReadOnlyDictionary<string, byte[]> Wraps, bool IsCurrent = false, bool IsNew = false);

/// <summary>A root, as the database records it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Description">Where it is; null when that was not recorded.</param>
/// <param name="RecordedAt">When it was recorded, UTC; null when it was not.</param>
/// <param name="RemovedAt">When its wraps were removed, UTC; null before.</param>
/// <param name="DestroyedAt">When it was destroyed, UTC; null before.</param>
internal sealed record RootRecord(
    string Id, string? Description, DateTimeOffset? RecordedAt, DateTimeOffset? RemovedAt, DateTimeOffset? DestroyedAt);

/// <summary>A wrap to be stored.</summary>
/// <param name="Kek">The KEK.</param>
/// <param name="RootId">The root that wraps it.</param>
/// <param name="Wrapped">The wrapped KEK.</param>
internal sealed record NewWrap(KekId Kek, string RootId, byte[] Wrapped);

/// <summary>Reads and writes what a change of root changes: the tables okms_kek_wrap and okms_root.</summary>
internal sealed class RootRecords(Database database, TimeProvider time)
{
    /// <summary>All KEKs, oldest first.</summary>
    public Task<List<WrappedKek>> ReadKeks(CancellationToken cancellationToken) => database.Read(async () =>
    {
        await using var connection = await database.Connections.OpenConnectionAsync(cancellationToken);
        await using var command = connection.Command(
            """
            SELECT k.kek_id, k.created_at, w.root_id, w.wrapped, k.is_current, k.superseded_at
            FROM okms_kek k LEFT JOIN okms_kek_wrap w ON w.kek_id = k.kek_id
            ORDER BY k.created_at, k.kek_id
            """);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        List<(KekId Id, DateTimeOffset CreatedAt, string? Root, byte[] Wrapped, bool IsCurrent, bool IsNew)> read = [];
        while (await reader.ReadAsync(cancellationToken))
        {
            var isWrapped = !await reader.IsDBNullAsync(2, cancellationToken);
            read.Add((
                KekId.Read((byte[])reader.GetValue(0)), (await Time(reader, 1, cancellationToken))!.Value,
                isWrapped ? reader.GetString(2) : null, isWrapped ? (byte[])reader.GetValue(3) : [],
                reader.GetBoolean(4), !reader.GetBoolean(4) && await reader.IsDBNullAsync(5, cancellationToken)));
        }

        return read.GroupBy(r => r.Id)
            .Select(k => new WrappedKek(
                k.Key, k.First().CreatedAt, k.Where(w => w.Root is not null).ToDictionary(w => w.Root!, w => w.Wrapped),
                k.First().IsCurrent, k.First().IsNew))
            .ToList();
    });

    /// <summary>The manifests, by the id of the root that vouches for each.</summary>
    public Task<Dictionary<string, StoredManifest>> ReadManifests(CancellationToken cancellationToken) => database.Read(async () =>
    {
        await using var connection = await database.Connections.OpenConnectionAsync(cancellationToken);
        await using var command = connection.Command("SELECT root_id, manifest, mac FROM okms_kek_manifest");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var manifests = new Dictionary<string, StoredManifest>(StringComparer.Ordinal);
        while (await reader.ReadAsync(cancellationToken))
        {
            manifests.Add(reader.GetString(0), new((byte[])reader.GetValue(1), (byte[])reader.GetValue(2)));
        }

        return manifests;
    });

    /// <summary>All roots that are recorded or wrap something, in order of appearance.</summary>
    public Task<List<RootRecord>> ReadRoots(CancellationToken cancellationToken) => database.Read(async () =>
    {
        await using var connection = await database.Connections.OpenConnectionAsync(cancellationToken);
        await using var command = connection.Command(
            """
            SELECT i.root_id, r.description, r.created_at, r.removed_at, r.destroyed_at
            FROM (SELECT root_id FROM okms_root UNION SELECT root_id FROM okms_kek_wrap) i
            LEFT JOIN okms_root r ON r.root_id = i.root_id
            ORDER BY CASE WHEN r.created_at IS NULL THEN 0 ELSE 1 END, r.created_at, i.root_id
            """);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        List<RootRecord> roots = [];
        while (await reader.ReadAsync(cancellationToken))
        {
            roots.Add(new(
                reader.GetString(0), await reader.IsDBNullAsync(1, cancellationToken) ? null : reader.GetString(1),
                await Time(reader, 2, cancellationToken), await Time(reader, 3, cancellationToken), await Time(reader, 4, cancellationToken)));
        }

        return roots;
    });

    /// <summary>Stores wraps and manifests, and records the root that they are for; all or nothing.</summary>
    /// <param name="rootId">The root.</param>
    /// <param name="description">Where it is.</param>
    /// <param name="wraps">The wraps; an existing one for the same KEK and root is replaced.</param>
    /// <param name="manifests">The manifests, by root; an existing one is replaced.</param>
    /// <param name="cancellationToken">Cancels the transaction.</param>
    /// <param name="action">What the audit trail calls it.</param>
    public Task Add(
        string rootId, string description, IReadOnlyCollection<NewWrap> wraps,
        IReadOnlyCollection<(string RootId, StoredManifest Manifest)> manifests, CancellationToken cancellationToken, string action = "root-add") => Change(async transaction =>
    {
        await SystemEvents.Add(transaction, action, $"{rootId}, {wraps.Count} new wraps", Now, cancellationToken);
        foreach (var (root, manifest) in manifests)
        {
            await transaction.Execute(
                """
                INSERT INTO okms_kek_manifest (root_id, manifest, mac, created_at) VALUES (@root, @manifest, @mac, @now)
                ON CONFLICT (root_id) DO UPDATE SET manifest = excluded.manifest, mac = excluded.mac, created_at = excluded.created_at
                """,
                [("root", root), ("manifest", manifest.Bytes), ("mac", manifest.Mac), ("now", Now)], cancellationToken);
        }

        await Record(transaction, rootId, description, cancellationToken);
        await transaction.Execute(
            "UPDATE okms_root SET removed_at = NULL, destroyed_at = NULL WHERE root_id = @root", [("root", rootId)], cancellationToken);
        foreach (var wrap in wraps)
        {
            await transaction.Execute(
                """
                INSERT INTO okms_kek_wrap (kek_id, root_id, wrapped, created_at) VALUES (@kek, @root, @wrapped, @now)
                ON CONFLICT (kek_id, root_id) DO UPDATE SET wrapped = excluded.wrapped, created_at = excluded.created_at
                """,
                [("kek", wrap.Kek.ToBytes()), ("root", wrap.RootId), ("wrapped", wrap.Wrapped), ("now", Now)], cancellationToken);
        }

        return wraps.Count;
    }, cancellationToken);

    /// <summary>Removes all wraps by a root, unless a remaining root does not wrap every KEK.</summary>
    /// <returns>How many were removed; 0 when it was refused.</returns>
    public Task<int> Remove(string rootId, string stays, string description, CancellationToken cancellationToken) =>
        Change(async transaction =>
        {
            var removed = await transaction.Execute(
                """
                DELETE FROM okms_kek_wrap WHERE root_id = @root AND NOT EXISTS (
                  SELECT 1 FROM okms_kek k WHERE NOT EXISTS (
                    SELECT 1 FROM okms_kek_wrap w WHERE w.kek_id = k.kek_id AND w.root_id = @stays))
                """,
                [("root", rootId), ("stays", stays)], cancellationToken);
            if (removed > 0)
            {
                await SystemEvents.Add(transaction, "root-remove", $"{rootId}; {stays} stays", Now, cancellationToken);
                await transaction.Execute("DELETE FROM okms_kek_manifest WHERE root_id = @root", [("root", rootId)], cancellationToken);
                await Record(transaction, rootId, description, cancellationToken);
                await transaction.Execute(
                    "UPDATE okms_root SET removed_at = @now WHERE root_id = @root", [("root", rootId), ("now", Now)], cancellationToken);
            }

            return removed;
        }, cancellationToken);

    /// <summary>Records that a root is destroyed.</summary>
    public Task NoteDestroyed(string rootId, CancellationToken cancellationToken) => Change(
        async transaction =>
        {
            await SystemEvents.Add(transaction, "root-destroy", rootId, Now, cancellationToken);
            return await transaction.Execute(
                "UPDATE okms_root SET destroyed_at = @now WHERE root_id = @root", [("root", rootId), ("now", Now)], cancellationToken);
        },
        cancellationToken);

    private DateTime Now => time.GetUtcNow().UtcDateTime;

    private Task<int> Record(DbTransaction transaction, string rootId, string description, CancellationToken cancellationToken) =>
        transaction.Execute(
            """
            INSERT INTO okms_root (root_id, kind, description, created_at) VALUES (@root, @kind, @description, @now)
            ON CONFLICT (root_id) DO NOTHING
            """,
            [("root", rootId), ("kind", rootId.StartsWith(FileRootKey.Prefix, StringComparison.Ordinal) ? "file" : "hsm"),
                ("description", description), ("now", Now)],
            cancellationToken);

    private Task<int> Change(Func<DbTransaction, Task<int>> statements, CancellationToken cancellationToken) => database.Write(async () =>
    {
        await using var connection = await database.Connections.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var changed = await statements(transaction);
        await transaction.CommitAsync(cancellationToken);
        return changed;
    });

    private static async Task<DateTimeOffset?> Time(DbDataReader reader, int ordinal, CancellationToken cancellationToken) =>
        await reader.IsDBNullAsync(ordinal, cancellationToken)
            ? null
            : new(DateTime.SpecifyKind(reader.GetDateTime(ordinal), DateTimeKind.Utc));
}

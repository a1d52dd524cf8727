using System.Data.Common;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Root;

/// <summary>A KEK as the database has it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="IsCurrent">Whether new rows are sealed under it.</param>
/// <param name="Wrapped">The KEK, wrapped by the root that was asked for; null when that root has not wrapped it.</param>
internal sealed record StoredKek(KekId Id, bool IsCurrent, byte[]? Wrapped);

/// <summary>Reads and writes the tables okms_kek and okms_kek_wrap.</summary>
internal sealed class KekStore(Database database, TimeProvider time)
{
    /// <summary>Whether there is any KEK, or any row that one of them must have sealed.</summary>
    public Task<bool> IsInUse(CancellationToken cancellationToken) => database.Read(async () =>
    {
        await using var connection = await database.Connections.OpenConnectionAsync(cancellationToken);
        await using var command = connection.Command(
            "SELECT 1 WHERE EXISTS (SELECT 1 FROM okms_kek) OR EXISTS (SELECT 1 FROM okms_row)");
        return await command.ExecuteScalarAsync(cancellationToken) is not null;
    });

    /// <summary>All KEKs, with their wraps by one root.</summary>
    public Task<List<StoredKek>> ReadAll(string rootId, CancellationToken cancellationToken) => database.Read(async () =>
    {
        await using var connection = await database.Connections.OpenConnectionAsync(cancellationToken);
        await using var command = connection.Command(
            """
            SELECT k.kek_id, k.is_current, w.wrapped
            FROM okms_kek k LEFT JOIN okms_kek_wrap w ON w.kek_id = k.kek_id AND w.root_id = @root
            """,
            ("root", rootId));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var keks = new List<StoredKek>();
        while (await reader.ReadAsync(cancellationToken))
        {
            keks.Add(new StoredKek(
                KekId.Read((byte[])reader.GetValue(0)), reader.GetBoolean(1),
                await reader.IsDBNullAsync(2, cancellationToken) ? null : (byte[])reader.GetValue(2)));
        }

        return keks;
    });

    /// <summary>Adds a KEK with its first wrap and makes it the current one, all or nothing.</summary>
    public Task AddCurrent(KekId id, string rootId, byte[] wrapped, CancellationToken cancellationToken) =>
        database.Write(async () =>
        {
            var kekId = new byte[KekId.Length];
            id.Write(kekId);
            var now = time.GetUtcNow().UtcDateTime;
            await using var connection = await database.Connections.OpenConnectionAsync(cancellationToken);
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            await Execute(transaction, "UPDATE okms_kek SET is_current = @no WHERE is_current",
                [("no", false)], cancellationToken);
            await Execute(transaction, "INSERT INTO okms_kek (kek_id, created_at, is_current) VALUES (@id, @now, @yes)",
                [("id", kekId), ("now", now), ("yes", true)], cancellationToken);
            await Execute(transaction,
                "INSERT INTO okms_kek_wrap (kek_id, root_id, wrapped, created_at) VALUES (@id, @root, @wrapped, @now)",
                [("id", kekId), ("root", rootId), ("wrapped", wrapped), ("now", now)], cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            return true;
        });

    private static async Task Execute(
        DbTransaction transaction, string text, (string, object)[] parameters, CancellationToken cancellationToken)
    {
        await using var command = transaction.Connection!.Command(text, parameters);
        command.Transaction = transaction;
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}

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

    /// <summary>Adds a KEK with its first wrap, that nothing is sealed under yet.</summary>
    public Task Add(KekId id, string rootId, byte[] wrapped, CancellationToken cancellationToken) =>
        Add(id, rootId, wrapped, isCurrent: false, cancellationToken);

    /// <summary>Adds a KEK with its first wrap and makes it the current one, all or nothing.</summary>
    public Task AddCurrent(KekId id, string rootId, byte[] wrapped, CancellationToken cancellationToken) =>
        Add(id, rootId, wrapped, isCurrent: true, cancellationToken);

    /// <summary>Makes a KEK the current one, all or nothing.</summary>
    /// <exception cref="InvalidOperationException">There is no such KEK; the current one stays.</exception>
    public Task MakeCurrent(KekId id, CancellationToken cancellationToken) => InTransaction(async transaction =>
    {
        await Supersede(transaction, cancellationToken);
        var made = await transaction.Execute("UPDATE okms_kek SET is_current = @yes WHERE kek_id = @id",
            [("id", id.ToBytes()), ("yes", true)], cancellationToken);
        return made == 1 ? true : throw new InvalidOperationException($"internal error: there is no KEK {id} that could become the current one.");
    }, cancellationToken);

    private Task<bool> Add(KekId id, string rootId, byte[] wrapped, bool isCurrent, CancellationToken cancellationToken) =>
        InTransaction(async transaction =>
        {
            if (isCurrent)
            {
                await Supersede(transaction, cancellationToken);
            }

            await transaction.Execute("INSERT INTO okms_kek (kek_id, created_at, is_current) VALUES (@id, @now, @current)",
                [("id", id.ToBytes()), ("now", Now), ("current", isCurrent)], cancellationToken);
            await transaction.Execute(
                "INSERT INTO okms_kek_wrap (kek_id, root_id, wrapped, created_at) VALUES (@id, @root, @wrapped, @now)",
                [("id", id.ToBytes()), ("root", rootId), ("wrapped", wrapped), ("now", Now)], cancellationToken);
            return true;
        }, cancellationToken);

    private DateTime Now => time.GetUtcNow().UtcDateTime;

    private Task<int> Supersede(DbTransaction transaction, CancellationToken cancellationToken) => transaction.Execute(
        "UPDATE okms_kek SET is_current = @no, superseded_at = @now WHERE is_current", [("no", false), ("now", Now)],
        cancellationToken);

    /// <summary>Runs statements of which all take effect or none.</summary>
    private Task<T> InTransaction<T>(Func<DbTransaction, Task<T>> statements, CancellationToken cancellationToken) =>
        database.Write(async () =>
        {
            await using var connection = await database.Connections.OpenConnectionAsync(cancellationToken);
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            var result = await statements(transaction);
            await transaction.CommitAsync(cancellationToken);
            return result;
        });
}

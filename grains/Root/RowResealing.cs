using System.Data.Common;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Root;

/// <summary>A row, as the sweep reads it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Key">Its grain's key, as the table has it.</param>
/// <param name="Version">The version that its activation knows it by.</param>
/// <param name="Payload">The sealed bytes.</param>
internal sealed record StoredRow(string Name, string Key, int Version, byte[] Payload);

/// <summary>The outcome of one step of the sweep.</summary>
/// <param name="Read">Rows that were read; 0 at the end.</param>
/// <param name="Resealed">Rows that were resealed.</param>
internal readonly record struct ResealStep(int Read, int Resealed);

/// <summary>
/// Reseals stored rows under the current KEK, without the activations that own them: a row is replaced only if its version and
/// bytes are still as read, and keeps its version and its time of change, so its activation notices nothing and a concurrent
/// writer wins. Rows leave the index of their old KEK one by one, so after a crash the index shows what is left to do.
/// </summary>
internal sealed class RowResealing(Database database, RowSealer sealer, IOptions<ClusterOptions> cluster)
{
    private readonly string _serviceId = cluster.Value.ServiceId;

    /// <summary>Reads rows that are sealed under a KEK.</summary>
    /// <param name="kek">The KEK.</param>
    /// <param name="limit">How many rows at most.</param>
    /// <param name="cancellationToken">Cancels the query.</param>
    public Task<List<StoredRow>> Read(KekId kek, int limit, CancellationToken cancellationToken) => database.Read(async () =>
    {
        await using var connection = await database.Connections.OpenConnectionAsync(cancellationToken);
        await using var command = connection.Command(
            """
            SELECT row_name, grain_key, version, payload FROM okms_row
            WHERE kek_id = @kek AND service_id = @service LIMIT @limit
            """,
            ("kek", kek.ToBytes()), ("service", _serviceId), ("limit", limit));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<StoredRow>();
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(new(reader.GetString(0), reader.GetString(1), reader.GetInt32(2), (byte[])reader.GetValue(3)));
        }

        return rows;
    });

    /// <summary>The same row under the current KEK.</summary>
    /// <returns>Null when it does not open.</returns>
    public byte[]? TryReseal(StoredRow row) =>
        row.Key.StartsWith(RowDirectory.KeyMark, StringComparison.Ordinal) && RowLayout.TryRead(row.Payload) is { } sealedRow
            ? sealer.TryReseal(
                GrainId.Create(RowNames.GrainType(row.Name), row.Key[RowDirectory.KeyMark.Length..]), row.Name, sealedRow)
            : null;

    /// <summary>Replaces rows, each only if it is still as read.</summary>
    /// <param name="kek">The KEK that they leave, for its progress.</param>
    /// <param name="rows">The rows, with their replacements.</param>
    /// <param name="rate">Rows a second, for the progress.</param>
    /// <param name="cancellationToken">Cancels the transaction.</param>
    /// <returns>How many were replaced.</returns>
    public Task<int> Replace(
        KekId kek, IReadOnlyCollection<(StoredRow Row, byte[] Resealed)> rows, double rate, CancellationToken cancellationToken) =>
        database.Write(async () =>
        {
            await using var connection = await database.Connections.OpenConnectionAsync(cancellationToken);
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            var replaced = 0;

            // In the order in which those who write rows of keys lock them, so that neither waits for the other in a circle.
            foreach (var (row, resealed) in rows.OrderBy(r => r.Row.Name, StringComparer.Ordinal).ThenBy(r => r.Row.Key, StringComparer.Ordinal))
            {
                replaced += await Replace(transaction, row, resealed, cancellationToken);
            }

            await transaction.Execute(
                "UPDATE okms_kek SET resealed = resealed + @replaced, reseal_rate = @rate WHERE kek_id = @kek",
                [("replaced", replaced), ("rate", rate), ("kek", kek.ToBytes())], cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            return replaced;
        });

    private Task<int> Replace(DbTransaction transaction, StoredRow row, byte[] resealed, CancellationToken cancellationToken) =>
        transaction.Execute(
            """
            UPDATE okms_row SET payload = @resealed
            WHERE service_id = @service AND row_name = @name AND grain_key = @key AND version = @version AND payload = @payload
            """,
            [("service", _serviceId), ("name", row.Name), ("key", row.Key), ("version", row.Version), ("payload", row.Payload),
                ("resealed", resealed)], cancellationToken);
}

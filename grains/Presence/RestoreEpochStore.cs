using System.Data.Common;
using Microsoft.Extensions.Logging;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Presence;

/// <summary>Reads and writes the table okms_restore_epoch.</summary>
public sealed class RestoreEpochStore
{
    private readonly Database _database;

    /// <summary>Uses a database that has been opened.</summary>
    internal RestoreEpochStore(Database database) => _database = database;

    /// <summary>
    /// Begins a new epoch in a restored database, before any silo uses it. Applies missing migrations first, as a silo's start
    /// does, since the backup may be old.
    /// </summary>
    /// <param name="options">Where the database is.</param>
    /// <param name="time">The clock; it must be right to within a few minutes, and so must the silos' clocks.</param>
    /// <param name="loggers">Receive the migrations' log.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>The new epoch.</returns>
    /// <exception cref="StartRefusedException">
    /// Silos are running, the database cannot be used, or the clock is before the start of the last epoch or differs from the
    /// database's.
    /// </exception>
    public static Task<RestoreEpoch> Begin(
        DatabaseOptions options, TimeProvider time, ILoggerFactory loggers, CancellationToken cancellationToken) =>
        Begin(options, time, Database.MaxClockDifference, loggers, cancellationToken);

    /// <inheritdoc cref="Begin(DatabaseOptions, TimeProvider, ILoggerFactory, CancellationToken)"/>
    internal static async Task<RestoreEpoch> Begin(
        DatabaseOptions options, TimeProvider time, TimeSpan maxDifference, ILoggerFactory loggers, CancellationToken cancellationToken)
    {
        options.Validate();
        using var database = Database.Of(options, time, loggers);
        try
        {
            await database.Prepare(cancellationToken);
            await RequireClock(database, time, maxDifference, cancellationToken);
            await using var schema = await database.LockSchema(cancellationToken);
            await SchemaMigrations.Of(database, loggers).Apply(cancellationToken);
            return await new RestoreEpochStore(database).Begin(time.GetUtcNow(), cancellationToken);
        }
        catch (Exception e) when (e is DbException or DatabaseUnreachableException)
        {
            var cause = e is DatabaseUnreachableException { InnerException: { } inner } ? inner : e;
            throw new StartRefusedException($"The restore epoch cannot be begun: {cause.Message}", e);
        }
    }

    /// <summary>The epoch that began last.</summary>
    internal Task<RestoreEpoch> Read(CancellationToken cancellationToken) => _database.Read(async () =>
    {
        await using var connection = await _database.Connections.OpenConnectionAsync(cancellationToken);
        await using var command = connection.Command(
            "SELECT number, version_base, started_at FROM okms_restore_epoch ORDER BY number DESC LIMIT 1");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken)
            ? new(reader.GetInt32(0), reader.GetInt32(1), new(DateTime.SpecifyKind(reader.GetDateTime(2), DateTimeKind.Utc)))
            : RestoreEpoch.First;
    });

    // With a clock that is behind, version numbers would be given again; with one that is ahead, deletions would not rest.
    private static async Task RequireClock(
        Database database, TimeProvider time, TimeSpan maxDifference, CancellationToken cancellationToken)
    {
        if (await database.ReadTime(cancellationToken) is { } other && (time.GetUtcNow() - other).Duration() > maxDifference)
        {
            throw new StartRefusedException(
                $"The clock of this machine says {time.GetUtcNow():u}, and that of the database {other:u}. A restore epoch begins by the clock: put the wrong one right first.");
        }
    }

    private async Task<RestoreEpoch> Begin(DateTimeOffset now, CancellationToken cancellationToken)
    {
        var last = await Read(cancellationToken);
        if (now < last.StartedAt)
        {
            throw new StartRefusedException(
                $"The clock says {now:u}, which is before the last restore epoch began ({last.StartedAt:u}). Put it right first.");
        }

        await _database.RemoveSilos(cancellationToken);
        var next = new RestoreEpoch(last.Number + 1, VersionNumbers.Base(last, now), now);
        return await _database.Write(async () =>
        {
            await using var connection = await _database.Connections.OpenConnectionAsync(cancellationToken);
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            await transaction.Execute(
                "INSERT INTO okms_restore_epoch (number, version_base, started_at) VALUES (@number, @base, @started)",
                [("number", next.Number), ("base", next.VersionBase), ("started", next.StartedAt.UtcDateTime)], cancellationToken);
            await SystemEvents.Add(
                transaction, "restore-epoch", FormattableString.Invariant($"{next.Number}, versions above {next.VersionBase}"),
                now.UtcDateTime, cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            return next;
        });
    }
}

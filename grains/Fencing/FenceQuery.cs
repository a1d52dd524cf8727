using System.Data.Common;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Fencing;

/// <summary>Where a poll left off.</summary>
/// <param name="Server">When the database server started; distinguishes it from its replacement.</param>
/// <param name="Snapshot">Every transaction that is visible in this snapshot is accounted for.</param>
internal sealed record FencePosition(string Server, string Snapshot);

/// <summary>The database was restored and is in another epoch; this silo is left over from before.</summary>
internal sealed class EpochEndedException() : Exception("A new restore epoch has begun; restart this silo.");

/// <summary>The other silos have declared this one dead. Whatever it still holds is theirs.</summary>
internal sealed class EvictedException() : Exception("The cluster has declared this silo dead; restart it.");

/// <summary>Asks Postgres which rows changed. Replaced in tests.</summary>
/// <remarks>
/// Why nothing is missed. A poll takes its position, a snapshot S, in one statement, and the changes in a later one. A change
/// that the second does not see was not visible in S either, since S is older. The next poll asks for every row whose last change
/// was not visible in S: those of transactions that were running at the time of S, and those that began after it. It sees each
/// that has committed by then, and the rest are as invisible in its own snapshot, so the poll after it asks for them. That holds
/// however long a commit takes (also when the client has long given up, and when the commit waits for a standby), for prepared
/// transactions, and whatever clocks do. A row carries the number of the top-level transaction, which is what snapshots list.
/// Numbers have 64 bits and do not wrap. A transaction that stays open, anywhere on the server, costs a poll one look into the
/// index and no more: what others commit meanwhile is visible in S, and is not read again. A server that took the place of
/// another (a failover) may have given numbers out again. Then, and at the first poll, all registered rows are compared. After a
/// restored dump, rows may carry numbers that the new server has not given out yet; they are not asked for until it has, and are
/// then found unchanged. A standby is no witness: it answers from the past.
/// </remarks>
internal class FenceQuery(Database database, CurrentEpoch epoch, IOptions<ClusterOptions> cluster, ILocalSiloDetails silo)
{
    private const int ChunkSize = 1000;

    private const string Position =
        """
        SELECT pg_is_in_recovery(), pg_postmaster_start_time()::text, pg_current_snapshot()::text,
          (SELECT coalesce(max(number), 0) FROM okms_restore_epoch),
          EXISTS (SELECT 1 FROM okms_membership WHERE cluster_id = @cluster AND address = @address AND port = @port
            AND generation = @generation AND status = 6);
        """;

    private const string Changes =
        """
        SELECT row_name, grain_key, version FROM okms_row
        WHERE service_id = @service AND modified_xid < pg_snapshot_xmax(pg_current_snapshot())
          AND (modified_xid >= pg_snapshot_xmax(CAST(@since AS pg_snapshot))
            OR modified_xid = ANY (ARRAY(SELECT pg_snapshot_xip(CAST(@since AS pg_snapshot)))))
        """;

    private const string Chunk =
        """
        SELECT row_name, grain_key, version FROM okms_row
        WHERE service_id = @service AND (row_name, grain_key) IN (SELECT * FROM unnest(@names, @keys))
        """;

    private readonly string _serviceId = cluster.Value.ServiceId;

    /// <summary>How many changed rows all polls have read.</summary>
    public long RowsRead { get; private set; }

    // The start of the first in a series of polls that have not yet compared all rows between them.
    private FencePosition? _unfinished;

    /// <summary>
    /// Reports what changed since the last poll or, where that cannot be told, the state of all registered rows.
    /// </summary>
    /// <param name="last">Where the last successful poll left off; null at first.</param>
    /// <param name="fence">Receives the reports.</param>
    /// <param name="cancellationToken">Cancels the poll.</param>
    /// <returns>Where this poll leaves off.</returns>
    public virtual async Task<FencePosition> Poll(FencePosition? last, Fence fence, CancellationToken cancellationToken)
    {
        await using var connection = await database.Connections.OpenConnectionAsync(cancellationToken);
        var position = await ReportChanges(connection, _unfinished ?? last, fence, cancellationToken);
        if (position.Server != last?.Server || _unfinished is not null)
        {
            // Many rows may take longer than one poll has. Those already compared stay compared, and changes in the meantime are
            // reported from the start of the first of these polls.
            var first = _unfinished is { } begun && begun.Server == position.Server ? begun : position;
            _unfinished = first;
            foreach (var marks in fence.Marks.Where(mark => !ReferenceEquals(mark.ComparedSince, first)).Chunk(ChunkSize))
            {
                await Compare(connection, marks, first, cancellationToken);
            }
        }

        _unfinished = null;
        return position;
    }

    private async Task<FencePosition> ReportChanges(
        DbConnection connection, FencePosition? last, Fence fence, CancellationToken cancellationToken)
    {
        var self = silo.SiloAddress;
        (string, object)[] own =
        [
            ("cluster", silo.ClusterId), ("address", self.Endpoint.Address.ToString()), ("port", self.Endpoint.Port),
            ("generation", self.Generation),
        ];
        await using var command = last is null
            ? connection.Command(Position, own)
            : connection.Command(Position + Changes, [.. own, ("service", _serviceId), ("since", last.Snapshot)]);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        if (reader.GetBoolean(0))
        {
            throw new InvalidOperationException("The database is a standby.");
        }

        if (reader.GetInt32(3) != epoch.Value.Number)
        {
            throw new EpochEndedException();
        }

        if (reader.GetBoolean(4))
        {
            throw new EvictedException();
        }

        var position = new FencePosition(reader.GetString(1), reader.GetString(2));
        if (await reader.NextResultAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                RowsRead++;
                fence.Find(Grain(reader))?.Saw(reader.GetInt32(2));
            }
        }

        return position;
    }

    private async Task Compare(DbConnection connection, FenceMark[] marks, FencePosition first, CancellationToken cancellationToken)
    {
        await using var command = connection.Command(
            Chunk, ("service", _serviceId), ("names", Array.ConvertAll(marks, m => m.Grain.Type.ToString()!)),
            ("keys", Array.ConvertAll(marks, m => RowDirectory.KeyMark + m.Grain.Key.ToString())));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var stored = new Dictionary<GrainId, int>();
        while (await reader.ReadAsync(cancellationToken))
        {
            stored[Grain(reader)] = reader.GetInt32(2);
        }

        foreach (var mark in marks)
        {
            mark.Compare(stored.GetValueOrDefault(mark.Grain));
            mark.ComparedSince = first;
        }
    }

    // The row that decides whether a grain exists has the name of the grain's type.
    private static GrainId Grain(DbDataReader reader) =>
        GrainId.Create(reader.GetString(0), reader.GetString(1)[RowDirectory.KeyMark.Length..]);
}

using System.Data.Common;
using System.Globalization;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Presence;

/// <summary>Reads and writes the tables okms_silo and okms_silo_kek, and the feature level.</summary>
internal sealed class SiloRegistry(Database database)
{
    /// <summary>
    /// How long a silo counts as running after its last heartbeat, unless its row was removed. The silo itself stops working with
    /// rows after half of that.
    /// </summary>
    public static readonly TimeSpan LifeAfterHeartbeat = TimeSpan.FromMinutes(2);

    /// <summary>Records that a silo runs, and which KEKs it has opened.</summary>
    /// <returns>The cluster's feature level.</returns>
    public Task<int> Write(Heartbeat heartbeat, CancellationToken cancellationToken) => database.Write(async () =>
    {
        await using var connection = await database.Connections.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await transaction.Execute(
            """
            INSERT INTO okms_silo (cluster_id, silo, least_feature_level, newest_feature_level, current_kek, root_id)
            VALUES (@cluster, @silo, @least, @newest, @current, @root)
            ON CONFLICT (cluster_id, silo) DO UPDATE SET seen_at = CURRENT_TIMESTAMP, current_kek = excluded.current_kek
            """,
            [("cluster", heartbeat.ClusterId), ("silo", heartbeat.Silo), ("least", FeatureLevels.Min), ("newest", FeatureLevels.Newest),
                ("current", heartbeat.CurrentKek.ToBytes()), ("root", heartbeat.RootId)], cancellationToken);
        foreach (var kek in heartbeat.Keks)
        {
            // Except a KEK that was destroyed since it was read.
            await transaction.Execute(
                """
                INSERT INTO okms_silo_kek (cluster_id, silo, kek_id)
                SELECT @cluster, @silo, kek_id FROM okms_kek WHERE kek_id = @kek
                ON CONFLICT (cluster_id, silo, kek_id) DO NOTHING
                """,
                [("cluster", heartbeat.ClusterId), ("silo", heartbeat.Silo), ("kek", kek.ToBytes())], cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
        return await ReadFeatureLevel(connection, cancellationToken);
    });

    /// <summary>Removes a silo that has stopped.</summary>
    public Task Remove(string clusterId, string silo, CancellationToken cancellationToken) => database.Write(() => Execute(
        "DELETE FROM okms_silo WHERE cluster_id = @cluster AND silo = @silo", [("cluster", clusterId), ("silo", silo)],
        cancellationToken));

    /// <summary>Removes the silos that no longer run.</summary>
    public Task RemoveDead(CancellationToken cancellationToken) => database.Write(() => Execute(
        // The only silo of its database removes what a crash of the previous one left behind.
        database.IsShared ? $"DELETE FROM okms_silo WHERE NOT ({database.LiveSilos})" : "DELETE FROM okms_silo",
        database.IsShared ? [Seconds] : [], cancellationToken));

    /// <summary>The silos that may still run.</summary>
    public Task<List<LiveSilo>> ReadLive(CancellationToken cancellationToken) => database.Read(async () =>
    {
        await using var connection = await database.Connections.OpenConnectionAsync(cancellationToken);
        await using var command = connection.Command(
            $"SELECT silo, newest_feature_level, current_kek, root_id FROM okms_silo WHERE {database.LiveSilos} ORDER BY silo", Seconds);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var silos = new List<LiveSilo>();
        while (await reader.ReadAsync(cancellationToken))
        {
            silos.Add(new(
                reader.GetString(0), reader.GetInt32(1), KekId.Read((byte[])reader.GetValue(2)),
                await reader.IsDBNullAsync(3, cancellationToken) ? null : reader.GetString(3)));
        }

        return silos;
    });

    /// <summary>The silos that may still run and have not opened a KEK.</summary>
    public Task<List<string>> ReadWithout(KekId kek, CancellationToken cancellationToken) => database.Read(async () =>
    {
        await using var connection = await database.Connections.OpenConnectionAsync(cancellationToken);
        await using var command = connection.Command(
            $"""
            SELECT silo FROM okms_silo WHERE {database.LiveSilos} AND NOT EXISTS (
              SELECT 1 FROM okms_silo_kek k
              WHERE k.cluster_id = okms_silo.cluster_id AND k.silo = okms_silo.silo AND k.kek_id = @kek)
            ORDER BY silo
            """, Seconds, ("kek", kek.ToBytes()));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var silos = new List<string>();
        while (await reader.ReadAsync(cancellationToken))
        {
            silos.Add(reader.GetString(0));
        }

        return silos;
    });

    /// <summary>The cluster's feature level.</summary>
    public Task<int> ReadFeatureLevel(CancellationToken cancellationToken) => database.Read(async () =>
    {
        await using var connection = await database.Connections.OpenConnectionAsync(cancellationToken);
        return await ReadFeatureLevel(connection, cancellationToken);
    });

    /// <summary>The least program version that may use the database; only migrations change it.</summary>
    public Task<int> ReadMinProgramVersion(CancellationToken cancellationToken) => database.Read(async () =>
    {
        await using var connection = await database.Connections.OpenConnectionAsync(cancellationToken);
        await using var command = connection.Command("SELECT least_program_version FROM okms_schema WHERE id = 1");
        return Convert.ToInt32(await command.ExecuteScalarAsync(cancellationToken), CultureInfo.InvariantCulture);
    });

    /// <summary>Raises the cluster's feature level; never lowers it.</summary>
    public async Task RaiseFeatureLevel(int level, CancellationToken cancellationToken)
    {
        if (await database.Write(() => Execute(
            "UPDATE okms_schema SET feature_level = @level WHERE id = 1 AND feature_level < @level", [("level", level)],
            cancellationToken)) > 0)
        {
            await new SystemEvents(database).Add("feature-level", FormattableString.Invariant($"{level}"), DateTime.UtcNow, cancellationToken);
        }
    }

    private static (string, object) Seconds => ("seconds", LifeAfterHeartbeat.TotalSeconds);

    private static async Task<int> ReadFeatureLevel(DbConnection connection, CancellationToken cancellationToken)
    {
        await using var command = connection.Command("SELECT feature_level FROM okms_schema WHERE id = 1");
        return Convert.ToInt32(await command.ExecuteScalarAsync(cancellationToken), CultureInfo.InvariantCulture);
    }

    private async Task<int> Execute(string text, (string, object)[] parameters, CancellationToken cancellationToken)
    {
        await using var connection = await database.Connections.OpenConnectionAsync(cancellationToken);
        await using var command = connection.Command(text, parameters);
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }
}

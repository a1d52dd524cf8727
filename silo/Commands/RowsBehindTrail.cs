using System.Text.Json;
using Orleans.Storage;
using OrleansKms.Grains.Audit.Trail;
using OrleansKms.Grains.Hosting;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Silo.Commands;

/// <summary>
/// Finds keys whose rows are behind the audit trail: the trail has a change that the row lacks, since an older database or row was
/// restored. Records from before the last restore epoch do not count: that epoch reports a restore.
/// </summary>
internal static class RowsBehindTrail
{
    /// <summary>Compares the keys in some logs with their rows.</summary>
    /// <returns>A line for each key that is behind.</returns>
    /// <exception cref="StartRefusedException">The database cannot be opened.</exception>
    public static async Task<List<string>> Find(IReadOnlyCollection<TrailFolder> folders, IServiceProvider services, CancellationToken cancellationToken)
    {
        var revisions = Revisions(folders);
        var behind = new List<string>();
        if (revisions.Count == 0)
        {
            return behind;
        }

        await using var open = await services.GetRequiredService<StorageSession>().Open(cancellationToken);
        var storage = services.GetRequiredKeyedService<IGrainStorage>(StorageNames.Sealed);
        foreach (var (key, recorded) in revisions.OrderBy(one => one.Key, StringComparer.Ordinal))
        {
            if (await Revision(storage, key) is var stored && stored < recorded)
            {
                behind.Add(FormattableString.Invariant(stored < 0
                    ? (FormattableString)$"{key}: its row is missing or does not open; the trail knows revision {recorded}"
                    : $"{key}: its row has revision {stored}; the trail knows {recorded}"));
            }
        }

        return behind;
    }

    private static async Task<long> Revision(IGrainStorage storage, string key)
    {
        var state = new GrainState<KeyRow>();
        try
        {
            await storage.ReadStateAsync(RowNames.Key, GrainId.Create(RowNames.GrainType(RowNames.Key), key), state);
        }
        catch (KmsException)
        {
            return -1;
        }

        return state.RecordExists ? state.State!.Revision : -1;
    }

    private static Dictionary<string, long> Revisions(IReadOnlyCollection<TrailFolder> folders)
    {
        var since = "";
        Read(folders, "\"action\":\"restore-epoch\""u8, record => since = Max(since, record.GetProperty("time").GetString()!));
        var revisions = new Dictionary<string, long>(StringComparer.Ordinal);
        Read(folders, "\"revision\":"u8, record =>
        {
            if (record.TryGetProperty("key_id", out var id) && record.TryGetProperty("revision", out var revision)
                && string.CompareOrdinal(record.GetProperty("time").GetString(), since) > 0)
            {
                revisions[id.GetString()!] = Math.Max(revision.GetInt64(), revisions.GetValueOrDefault(id.GetString()!));
            }
        });
        return revisions;
    }

    private static string Max(string one, string other) => string.CompareOrdinal(one, other) > 0 ? one : other;

    private static void Read(IReadOnlyCollection<TrailFolder> folders, ReadOnlySpan<byte> mark, Action<JsonElement> visit)
    {
        var wanted = mark.ToArray();
        foreach (var file in folders.SelectMany(folder => folder.RecordFiles()))
        {
            RecordReader.ReadLines(file.Path, 0, long.MaxValue, (line, _) =>
            {
                Visit(line);
                return true;
            });
        }

        // What a killed silo has answered, and its next start will move to the record files.
        foreach (var line in folders.SelectMany(folder => PendingRecords.Read(folder.PendingPath).Values)) Visit(line);

        void Visit(ReadOnlySpan<byte> line)
        {
            if (line.IndexOf(wanted) < 0) return;
            using var record = JsonDocument.Parse(line.ToArray());
            visit(record.RootElement);
        }
    }
}

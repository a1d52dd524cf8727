using System.Data.Common;
using System.Text;
using Microsoft.Extensions.Options;
using Orleans.Configuration;

namespace OrleansKms.Grains.Storage;

/// <summary>
/// Lists rows by a keyset query over the index in the order of their keys' bytes: a page costs the same wherever it begins.
/// </summary>
internal sealed class RowDirectory(Database database, IOptions<ClusterOptions> cluster) : IRowDirectory
{
    /// <summary>The prefix of each grain's key in the table.</summary>
    public const string KeyMark = "=";

    private readonly string _serviceId = cluster.Value.ServiceId;

    /// <inheritdoc/>
    public async Task<IReadOnlyList<string>> List(
        string rowName, string prefix, string? after, int limit, bool includeTombstones, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        if (!Ascii.IsValid(prefix) || prefix.Contains('\x7f'))
        {
            throw new ArgumentException("A prefix must be ASCII.", nameof(prefix));
        }

        var (comparison, start) = after is null || string.CompareOrdinal(after, prefix) < 0
            ? (">=", KeyMark + prefix)
            : (">", KeyMark + after);
        var live = includeTombstones ? "" : $" AND {database.LiveRows}";
        var text =
            $"""
            SELECT grain_key FROM okms_row
            WHERE service_id = @service AND row_name = @row AND grain_key {comparison} @start AND grain_key < @end{live}
            ORDER BY grain_key LIMIT @limit
            """;
        try
        {
            return await database.Read(() => Query(text, [
                ("service", _serviceId), ("row", rowName), ("start", start), ("end", End(prefix)), ("limit", limit)],
                cancellationToken));
        }
        catch (Exception e) when (e is DbException or DatabaseUnreachableException or TimeoutException)
        {
            throw new StorageFailedException("A listing of rows failed.", outcomeUnknown: false, e);
        }
    }

    // The first text after all with the prefix. A range and not LIKE, where _ stands for any character.
    private static string End(string prefix)
    {
        var marked = KeyMark + prefix;
        return marked[..^1] + (char)(marked[^1] + 1);
    }

    private async Task<IReadOnlyList<string>> Query(
        string text, (string, object)[] parameters, CancellationToken cancellationToken)
    {
        await using var connection = await database.Connections.OpenConnectionAsync(cancellationToken);
        await using var command = connection.Command(text, parameters);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var keys = new List<string>();
        while (await reader.ReadAsync(cancellationToken))
        {
            keys.Add(reader.GetString(0)[KeyMark.Length..]);
        }

        return keys;
    }
}

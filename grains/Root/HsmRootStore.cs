using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Root;

/// <summary>
/// The table okms_root: which roots in an HSM belong to this database. A root is recorded before it is generated, so that a crash
/// in between leaves no key in the HSM that nobody knows.
/// </summary>
internal sealed class HsmRootStore(Database database, TimeProvider time)
{
    private const string Prefix = "hsm:";

    /// <summary>The id of the root with this CKA_ID.</summary>
    public static string RootId(ReadOnlySpan<byte> keyId) => Prefix + Convert.ToHexStringLower(keyId);

    /// <summary>The CKA_ID of a root in an HSM.</summary>
    /// <returns>Null for the id of another kind of root, or for no id at all.</returns>
    public static byte[]? KeyId(string rootId)
    {
        var isOfHsm = rootId.StartsWith(Prefix, StringComparison.Ordinal) && rootId.Length > Prefix.Length
            && rootId.Length % 2 == 0 && rootId.Skip(Prefix.Length).All(char.IsAsciiHexDigitLower);
        return isOfHsm ? Convert.FromHexString(rootId.AsSpan(Prefix.Length)) : null;
    }

    /// <summary>
    /// The CKA_IDs of recorded roots that were not destroyed: first those that wrap the most KEKs, of them those that vouch for
    /// the newest manifest, and of them the newest. So a new root in the same token is used as soon as it wraps and knows
    /// everything, and the previous one until then.
    /// </summary>
    public Task<List<byte[]>> Read(CancellationToken cancellationToken) => database.Read(async () =>
    {
        await using var connection = await database.Connections.OpenConnectionAsync(cancellationToken);
        await using var command = connection.Command(
            """
            SELECT r.root_id FROM okms_root r WHERE r.kind = 'hsm' AND r.destroyed_at IS NULL
            ORDER BY (SELECT count(*) FROM okms_kek_wrap w WHERE w.root_id = r.root_id) DESC,
              CASE WHEN EXISTS (SELECT 1 FROM okms_kek_manifest m WHERE m.root_id = r.root_id AND m.manifest =
                (SELECT n.manifest FROM okms_kek_manifest n ORDER BY n.created_at DESC LIMIT 1)) THEN 0 ELSE 1 END,
              r.created_at DESC
            """);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        List<byte[]> ids = [];
        while (await reader.ReadAsync(cancellationToken))
        {
            ids.Add(Convert.FromHexString(reader.GetString(0).AsSpan(Prefix.Length)));
        }

        return ids;
    });

    /// <summary>Records a root; once.</summary>
    public Task Add(ReadOnlyMemory<byte> keyId, string description, CancellationToken cancellationToken) => database.Write(async () =>
    {
        await using var connection = await database.Connections.OpenConnectionAsync(cancellationToken);
        await using var command = connection.Command(
            """
            INSERT INTO okms_root (root_id, kind, description, created_at) VALUES (@id, 'hsm', @description, @now)
            ON CONFLICT (root_id) DO NOTHING
            """,
            ("id", RootId(keyId.Span)), ("description", description), ("now", time.GetUtcNow().UtcDateTime));
        return await command.ExecuteNonQueryAsync(cancellationToken);
    });
}

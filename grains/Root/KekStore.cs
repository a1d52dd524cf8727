using System.Data.Common;
using System.Globalization;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Root;

/// <summary>A KEK, as stored.</summary>
/// <param name="Id">Its id.</param>
/// <param name="IsCurrent">Whether new rows are sealed under it.</param>
/// <param name="IsNew">Whether it was never the current one.</param>
/// <param name="Wrapped">The KEK, wrapped by the requested root; null when that root has not wrapped it.</param>
internal sealed record StoredKek(KekId Id, bool IsCurrent, bool IsNew, byte[]? Wrapped);

/// <summary>One root's manifest, as stored.</summary>
/// <param name="Bytes">The manifest.</param>
/// <param name="Mac">The MAC by which the root vouches for it.</param>
internal sealed record StoredManifest(byte[] Bytes, byte[] Mac)
{
    /// <summary>Whether the other one is equal.</summary>
    public bool Is(StoredManifest? other) =>
        other is not null && Bytes.AsSpan().SequenceEqual(other.Bytes) && Mac.AsSpan().SequenceEqual(other.Mac);
}

/// <summary>The ring at one moment, read in one statement.</summary>
/// <param name="Keks">All KEKs, with their wraps by one root.</param>
/// <param name="Manifest">The manifest that the root vouches for; null for none.</param>
/// <param name="Manifests">How many roots vouch for a manifest.</param>
/// <param name="MayHaveManifest">Whether programs without manifests can no longer change the ring.</param>
internal sealed record StoredRing(List<StoredKek> Keks, StoredManifest? Manifest, long Manifests, bool MayHaveManifest);

/// <summary>A manifest that replaces another one, in the same transaction as the change that it lists.</summary>
/// <param name="RootId">The root that vouches for it.</param>
/// <param name="Known">The one that it replaces; null for the first.</param>
/// <param name="Next">The next one.</param>
internal sealed record ManifestChange(string RootId, StoredManifest? Known, StoredManifest Next);

/// <summary>Reads and writes the tables okms_kek, okms_kek_wrap and okms_kek_manifest.</summary>
internal sealed class KekStore(Database database, TimeProvider time)
{
    /// <summary>Whether there is any KEK, or any row, which a KEK must have sealed.</summary>
    public Task<bool> IsInUse(CancellationToken cancellationToken) => database.Read(async () =>
    {
        await using var connection = await database.Connections.OpenConnectionAsync(cancellationToken);
        await using var command = connection.Command(
            "SELECT 1 WHERE EXISTS (SELECT 1 FROM okms_kek) OR EXISTS (SELECT 1 FROM okms_row)");
        return await command.ExecuteScalarAsync(cancellationToken) is not null;
    });

    /// <summary>Whether any row is sealed under a KEK.</summary>
    public Task<bool> HasRows(KekId id, CancellationToken cancellationToken) => database.Read(async () =>
    {
        await using var connection = await database.Connections.OpenConnectionAsync(cancellationToken);
        await using var command = connection.Command("SELECT 1 FROM okms_row WHERE kek_id = @id LIMIT 1", ("id", id.ToBytes()));
        return await command.ExecuteScalarAsync(cancellationToken) is not null;
    });

    /// <summary>The manifests of other roots; not verified.</summary>
    public Task<List<byte[]>> ReadOtherManifests(string rootId, CancellationToken cancellationToken) => database.Read(async () =>
    {
        await using var connection = await database.Connections.OpenConnectionAsync(cancellationToken);
        await using var command = connection.Command("SELECT manifest FROM okms_kek_manifest WHERE root_id <> @root", ("root", rootId));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var manifests = new List<byte[]>();
        while (await reader.ReadAsync(cancellationToken))
        {
            manifests.Add((byte[])reader.GetValue(0));
        }

        return manifests;
    });

    /// <summary>The ring, as one root knows it.</summary>
    public Task<StoredRing> Read(string rootId, CancellationToken cancellationToken) => database.Read(async () =>
    {
        await using var connection = await database.Connections.OpenConnectionAsync(cancellationToken);
        await using var command = connection.Command(
            """
            SELECT k.kek_id, k.is_current, w.wrapped, m.manifest, m.mac, (SELECT count(*) FROM okms_kek_manifest),
              CASE WHEN s.feature_level >= 3 OR s.least_program_version >= 2 THEN 1 ELSE 0 END, k.superseded_at
            FROM okms_schema s
            LEFT JOIN okms_kek k ON 1 = 1
            LEFT JOIN okms_kek_wrap w ON w.kek_id = k.kek_id AND w.root_id = @root
            LEFT JOIN okms_kek_manifest m ON m.root_id = @root
            WHERE s.id = 1
            """,
            ("root", rootId));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var ring = new StoredRing([], null, 0, false);
        while (await reader.ReadAsync(cancellationToken))
        {
            ring = ring with
            {
                Manifest = await reader.IsDBNullAsync(3, cancellationToken) ? null : new((byte[])reader.GetValue(3), (byte[])reader.GetValue(4)),
                Manifests = Convert.ToInt64(reader.GetValue(5), CultureInfo.InvariantCulture),
                MayHaveManifest = Convert.ToInt64(reader.GetValue(6), CultureInfo.InvariantCulture) == 1,
            };
            if (!await reader.IsDBNullAsync(0, cancellationToken))
            {
                ring.Keks.Add(new StoredKek(
                    KekId.Read((byte[])reader.GetValue(0)), reader.GetBoolean(1),
                    !reader.GetBoolean(1) && await reader.IsDBNullAsync(7, cancellationToken),
                    await reader.IsDBNullAsync(2, cancellationToken) ? null : (byte[])reader.GetValue(2)));
            }
        }

        return ring;
    });

    /// <summary>Adds a KEK with its first wrap, all or nothing.</summary>
    /// <param name="id">The KEK.</param>
    /// <param name="rootId">The root that wraps it.</param>
    /// <param name="wrapped">The wrap.</param>
    /// <param name="isCurrent">Whether it becomes the current one.</param>
    /// <param name="manifest">The manifest that lists it; null where there is none.</param>
    /// <param name="cancellationToken">Cancels the transaction.</param>
    /// <exception cref="KmsException">conflict: the ring was changed in the meantime.</exception>
    public Task Add(
        KekId id, string rootId, byte[] wrapped, bool isCurrent, ManifestChange? manifest, CancellationToken cancellationToken) =>
        database.InTransaction(async transaction =>
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
            await SystemEvents.Add(transaction, "kek-create", $"{id}, wrapped by {rootId}", Now, cancellationToken);
            await Change(transaction, manifest, Now, cancellationToken);
            return true;
        }, cancellationToken);

    /// <summary>Makes a KEK the current one, all or nothing.</summary>
    /// <exception cref="InvalidOperationException">There is no such KEK; the current one stays.</exception>
    /// <exception cref="KmsException">conflict: the ring was changed in the meantime.</exception>
    public Task MakeCurrent(KekId id, ManifestChange? manifest, CancellationToken cancellationToken) => database.InTransaction(async transaction =>
    {
        await Supersede(transaction, cancellationToken);
        var made = await transaction.Execute("UPDATE okms_kek SET is_current = @yes WHERE kek_id = @id",
            [("id", id.ToBytes()), ("yes", true)], cancellationToken);
        await SystemEvents.Add(transaction, "kek-current", $"{id}", Now, cancellationToken);
        await Change(transaction, manifest, Now, cancellationToken);
        return made == 1 ? true : throw new InvalidOperationException($"internal error: there is no KEK {id} that could become the current one.");
    }, cancellationToken);

    /// <summary>Stores a manifest and the wraps that belong to it, all or nothing.</summary>
    /// <exception cref="KmsException">conflict: the ring was changed in the meantime.</exception>
    public Task Vouch(
        ManifestChange manifest, IReadOnlyCollection<(KekId Kek, byte[] Wrapped)> wraps, CancellationToken cancellationToken) =>
        database.InTransaction(async transaction =>
        {
            foreach (var (kek, wrapped) in wraps)
            {
                await transaction.Execute("UPDATE okms_kek_wrap SET wrapped = @wrapped WHERE kek_id = @kek AND root_id = @root",
                    [("kek", kek.ToBytes()), ("root", manifest.RootId), ("wrapped", wrapped)], cancellationToken);
            }

            await Change(transaction, manifest, Now, cancellationToken);
            return true;
        }, cancellationToken);

    /// <summary>Replaces a manifest, if the expected one is still there.</summary>
    /// <exception cref="KmsException">conflict: another one is there.</exception>
    internal static async Task Change(
        DbTransaction transaction, ManifestChange? change, DateTime now, CancellationToken cancellationToken)
    {
        if (change is null)
        {
            return;
        }

        List<(string, object)> parameters =
            [("root", change.RootId), ("manifest", change.Next.Bytes), ("mac", change.Next.Mac), ("now", now)];
        if (change.Known is { } known)
        {
            parameters.Add(("known", known.Mac));
        }

        var changed = await transaction.Execute(
            change.Known is null
                ? """
                  INSERT INTO okms_kek_manifest (root_id, manifest, mac, created_at) VALUES (@root, @manifest, @mac, @now)
                  ON CONFLICT (root_id) DO NOTHING
                  """
                : "UPDATE okms_kek_manifest SET manifest = @manifest, mac = @mac, created_at = @now WHERE root_id = @root AND mac = @known",
            [.. parameters], cancellationToken);
        if (changed != 1)
        {
            throw KmsError.Conflict.Exception("The KEKs were changed at the same time; try again.");
        }
    }

    private DateTime Now => time.GetUtcNow().UtcDateTime;

    private Task<int> Supersede(DbTransaction transaction, CancellationToken cancellationToken) => transaction.Execute(
        "UPDATE okms_kek SET is_current = @no, superseded_at = @now WHERE is_current", [("no", false), ("now", Now)],
        cancellationToken);
}

using System.Data.Common;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using OrleansKms.Grains.Presence;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Providers;

/// <summary>A key on the token that no row names.</summary>
/// <param name="Id">Its CKA_ID in hexadecimal.</param>
/// <param name="Label">Its label: key id and version.</param>
/// <param name="MadeOn">The day on which it was made, UTC.</param>
/// <param name="IsOld">Whether it is older than 24 hours; a younger one may be about to get a row.</param>
public sealed record HsmOrphan(string Id, string Label, DateOnly MadeOn, bool IsOld);

/// <summary>
/// Orphans: keys made in the HSM by a create or a rotation that never reached the database, because the process died or another
/// silo was faster. Nothing that was ever answered is encrypted under them.
/// </summary>
public sealed class HsmOrphans
{
    private readonly HsmInventory _inventory;
    private readonly IKeyRecords _keys;
    private readonly Database _database;
    private readonly RestoreEpochStore _epochs;

    internal HsmOrphans(HsmInventory inventory, IServiceProvider services)
    {
        _inventory = inventory;
        _keys = services.GetRequiredService<IKeyRecords>();
        _database = services.GetRequiredService<Database>();
        _epochs = services.GetRequiredService<RestoreEpochStore>();
    }

    /// <summary>All orphans of this installation. Reads a row or two for each key on the token.</summary>
    /// <param name="cancellationToken">Cancels the search.</param>
    /// <exception cref="KmsException">hsm_unavailable.</exception>
    /// <exception cref="StorageFailedException">The database did not answer.</exception>
    public async Task<IReadOnlyList<HsmOrphan>> Find(CancellationToken cancellationToken) => (await Sort(cancellationToken)).Orphans;

    /// <summary>
    /// Finds the orphans, and what the token still holds of destroyed versions, because the HSM failed to destroy it or was away.
    /// Their rows say that they are destroyed for good, so these may go without asking anyone.
    /// </summary>
    /// <param name="cancellationToken">Cancels the search.</param>
    /// <exception cref="KmsException">hsm_unavailable.</exception>
    /// <exception cref="StorageFailedException">The database did not answer.</exception>
    internal async Task<(IReadOnlyList<HsmOrphan> Orphans, IReadOnlyList<HsmKeyFound> Leftovers)> Sort(CancellationToken cancellationToken)
    {
        List<HsmOrphan> orphans = [];
        List<HsmKeyFound> leftovers = [];
        foreach (var found in await _inventory.List(cancellationToken))
        {
            switch (await StandingOf(found))
            {
                case RecordedAs.Unknown:
                    orphans.Add(new(found.Id.ToString(), found.Label, found.Id.MadeOn, _inventory.IsOld(found)));
                    break;
                case RecordedAs.Destroyed:
                    leftovers.Add(found);
                    break;
            }
        }

        return (orphans, leftovers);
    }

    /// <summary>Makes the token list what it has failed to destroy.</summary>
    internal Task ShowFailedDestructions(CancellationToken cancellationToken) => _inventory.ShowFailedDestructions(cancellationToken);

    /// <summary>Destroys what is left of a destroyed version.</summary>
    internal Task Destroy(HsmKeyFound leftover, CancellationToken cancellationToken) => _inventory.Destroy(leftover.Id, cancellationToken);

    /// <summary>
    /// Destroys orphans in the HSM, each given by name; all, or none if one is refused: because it is not an orphan of this
    /// installation, may be less than 24 hours old, or was made before the first day from which this database knows of all keys.
    /// That is the day on which its first root was recorded or, after a restore from a backup, the day after its restore epoch
    /// began.
    /// </summary>
    /// <param name="ids">CKA_IDs in hexadecimal.</param>
    /// <param name="cancellationToken">Cancels before the first destruction.</param>
    /// <exception cref="KmsException">invalid_parameter, conflict: one is refused; hsm_unavailable: some may be destroyed.</exception>
    /// <exception cref="StorageFailedException">The database did not answer.</exception>
    public async Task Remove(IReadOnlyCollection<string> ids, CancellationToken cancellationToken)
    {
        try
        {
            await _inventory.RemoveOrphans(ids, async found => await StandingOf(found) != RecordedAs.Unknown, await KnowsAllSince(cancellationToken), cancellationToken);
        }
        catch (DbException e)
        {
            throw new StorageFailedException(
                "The database does not record since when it knows of all keys.", outcomeUnknown: false, e);
        }
    }

    private async Task<DateOnly> KnowsAllSince(CancellationToken cancellationToken)
    {
        var epoch = await _epochs.Read(cancellationToken);
        return epoch.Number > 0
            ? DateOnly.FromDateTime(epoch.StartedAt.UtcDateTime).AddDays(1)
            : await _database.Read(async () =>
            {
                await using var connection = await _database.Connections.OpenConnectionAsync(cancellationToken);
                await using var command = connection.Command("SELECT created_at FROM okms_root ORDER BY created_at LIMIT 1");
                await using var reader = await command.ExecuteReaderAsync(cancellationToken);
                return await reader.ReadAsync(cancellationToken) ? DateOnly.FromDateTime(reader.GetDateTime(0)) : DateOnly.MaxValue;
            });
    }

    /// <summary>What a key's row says about an object. When it cannot be told, the object is no orphan.</summary>
    private async ValueTask<RecordedAs> StandingOf(HsmKeyFound found) => KeyIdOf(found) is { } keyId
        ? await _keys.Find(new(keyId, found.Id.Incarnation, found.Id.Version), found.Id.ToArray())
        : RecordedAs.Kept;

    /// <summary>The key's id, from the label; null when the label is not one of ours.</summary>
    private static string? KeyIdOf(HsmKeyFound found)
    {
        var version = string.Create(CultureInfo.InvariantCulture, $" v{found.Id.Version}");
        var keyId = found.Label.EndsWith(version, StringComparison.Ordinal) ? found.Label.Remove(found.Label.Length - version.Length) : "";
        return KeyId.IsValid(keyId) ? keyId : null;
    }
}

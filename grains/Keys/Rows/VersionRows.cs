using Orleans.Storage;
using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Providers;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Keys.Rows;

/// <summary>The rows <c>key.v{n}</c>: older versions' material.</summary>
internal sealed class VersionRows(IGrainStorage storage, KeyProviders providers, GrainId grain, string keyId)
{
    /// <summary>
    /// Keeps the newest version's material in a row of its own, before a newer version replaces it. The content of such a row
    /// never differs, so an existing row does no harm.
    /// </summary>
    /// <exception cref="InconsistentStateException">The version was destroyed by another activation.</exception>
    public async Task Keep(KeyRow key)
    {
        if (key.Material is not { } material)
        {
            return;
        }

        var slot = Slot(material.Version);
        try
        {
            await slot.Write(new() { Version = material.Version, Incarnation = key.Incarnation, Material = material });
        }
        catch (InconsistentStateException)
        {
            await slot.Read();
            if (slot.Row is not { Material: not null } there || there.Incarnation != key.Incarnation)
            {
                throw;
            }
        }
    }

    /// <summary>
    /// Writes the row of a version that came back with the key's backup. The row <c>key</c> that lists it is committed, so whatever else is
    /// there is left of a former life of the key.
    /// </summary>
    /// <param name="key">The key.</param>
    /// <param name="material">The version, wrapped.</param>
    /// <returns>What became of it; unless it was written, nothing was.</returns>
    /// <exception cref="InconsistentStateException">Another activation wrote it at the same time.</exception>
    public async Task<VersionRestoration> Restore(KeyRow key, WrappedMaterial material)
    {
        var slot = Slot(material.Version);
        if (!await TryRead(slot) && key.Find(material.Version) is { State: KeyVersionState.Enabled })
        {
            return VersionRestoration.InDoubt;
        }

        switch (slot.Row)
        {
            case { Material: null }:
                return VersionRestoration.Destroyed;
            case { } there when there.Incarnation == key.Incarnation:
                // Written before a crash.
                return VersionRestoration.Written;
        }

        await slot.Write(new() { Version = material.Version, Incarnation = key.Incarnation, Material = material });
        return VersionRestoration.Written;
    }

    /// <summary>What a former life of the key has left in the row of a version.</summary>
    /// <returns>Whether there is a row; and its content, if that opens.</returns>
    public async Task<(bool Exists, KeyVersionRow? Row)> Left(int version)
    {
        var slot = Slot(version);
        return await TryRead(slot) ? (slot.Row is not null, slot.Row) : (true, null);
    }

    /// <summary>
    /// Erases destroyed versions: overwrites each row with a tombstone, then destroys the material where it lives. A tombstone
    /// and not a deletion, so that a stale activation that still wants to keep the material finds the row taken.
    /// </summary>
    /// <exception cref="KmsException">hsm_unavailable: the rows are erased, but the HSM may still hold a version.</exception>
    public async Task Erase(KeyRow key)
    {
        foreach (var version in key.ErasePending)
        {
            var slot = Slot(version);

            // It must be erased, whatever it holds, and must not keep the others from it.
            await TryRead(slot);
            if (slot.Row is not { Material: null })
            {
                await slot.Write(new() { Version = version, Incarnation = key.Incarnation });
            }
        }

        var provider = providers.Of(key.Protection);
        foreach (var version in key.ErasePending)
        {
            await provider.Destroy(new(keyId, key.Incarnation, version));
        }
    }

    /// <returns>False for a row that does not open: the next write replaces it.</returns>
    private static async Task<bool> TryRead(RowSlot<KeyVersionRow> slot)
    {
        try
        {
            await slot.Read();
            return true;
        }
        catch (KmsException e) when (e.Error == KmsError.KeyCorrupted)
        {
            slot.ReplaceUnopened();
            return false;
        }
    }

    private RowSlot<KeyVersionRow> Slot(int version) => new(storage, grain, RowNames.KeyVersion(version));
}

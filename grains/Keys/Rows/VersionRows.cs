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
    /// <returns>False if the version was destroyed in a former life; then nothing was written.</returns>
    /// <exception cref="InconsistentStateException">Another activation wrote it at the same time.</exception>
    public async Task<bool> Restore(KeyRow key, WrappedMaterial material)
    {
        var slot = Slot(material.Version);
        var restored = new KeyVersionRow { Version = material.Version, Incarnation = key.Incarnation, Material = material };
        try
        {
            await slot.Read();
        }
        catch (KmsException e) when (e.Error == KmsError.KeyCorrupted)
        {
            await slot.ClearUnread();
        }

        switch (slot.Row)
        {
            case { Material: null }:
                return false;
            case { } there when there.Incarnation == key.Incarnation:
                // Written before a crash.
                return true;
        }

        await slot.Write(restored);
        return true;
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
            try
            {
                await slot.Read();
            }
            catch (KmsException e) when (e.Error == KmsError.KeyCorrupted)
            {
                // It must be erased, whatever it holds, and must not keep the others from it.
                await slot.ClearUnread();
            }

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

    private RowSlot<KeyVersionRow> Slot(int version) => new(storage, grain, RowNames.KeyVersion(version));
}

using Orleans.Storage;
using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Providers;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Keys.Rows;

/// <summary>The rows <c>key.v{n}</c>: older versions' material.</summary>
internal sealed class VersionRows(IGrainStorage storage, KeyProviders providers, GrainId grain, string keyId)
{
    /// <summary>
    /// Keeps the newest version's material in a row of its own, before a newer one takes its place. The content of such a
    /// row never differs, so it does no harm if it is there already.
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
    /// Erases destroyed versions: writes a mark in the place of what is kept of them, and then has their material destroyed where
    /// it lives. A mark and not a deletion: a stale activation that still wants to keep the material finds the row taken.
    /// </summary>
    /// <exception cref="KmsException">hsm_unavailable: the rows are erased, and the HSM may still have a version.</exception>
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
                // It is to be erased, whatever it holds, and must not keep the others from it.
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

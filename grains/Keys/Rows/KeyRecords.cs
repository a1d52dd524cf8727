using Microsoft.Extensions.DependencyInjection;
using Orleans.Storage;
using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Providers;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Keys.Rows;

/// <summary>Reads what the rows of keys say about a provider's objects, without activating a key.</summary>
internal sealed class KeyRecords(
    [FromKeyedServices(StorageNames.Sealed)] IGrainStorage storage, IMaterialSealer sealer) : IKeyRecords
{
    /// <inheritdoc/>
    public async ValueTask<RecordedAs> Find(KeyVersionName name, ReadOnlyMemory<byte> kept)
    {
        try
        {
            var grain = GrainId.Create(RowNames.GrainType(RowNames.Key), name.KeyId);
            var slot = new RowSlot<KeyRow>(storage, grain, RowNames.Key);
            await slot.Read();
            return slot.Row is { } row && row.Incarnation == name.Incarnation
                ? await Find(grain, row, name.Version, kept)
                : RecordedAs.Unknown;
        }
        catch (Exception e) when (e is MaterialOutdatedException || (e as KmsException)?.Error == KmsError.KeyCorrupted)
        {
            return RecordedAs.Kept;
        }
    }

    private async Task<RecordedAs> Find(GrainId grain, KeyRow row, int version, ReadOnlyMemory<byte> kept)
    {
        switch (row.Find(version)?.State)
        {
            case null:
                return RecordedAs.Unknown;
            case KeyVersionState.Destroyed:
                return RecordedAs.Destroyed;
        }

        var wrapped = row.Material;
        if (wrapped?.Version != version)
        {
            var slot = new RowSlot<KeyVersionRow>(storage, grain, RowNames.KeyVersion(version));
            await slot.Read();
            wrapped = slot.Row?.Material;
        }

        if (wrapped is null)
        {
            return RecordedAs.Kept;
        }

        using var recorded = sealer.Open(new(grain, row.Incarnation, version), wrapped);
        return recorded.Span.SequenceEqual(kept.Span) ? RecordedAs.Kept : RecordedAs.Unknown;
    }
}

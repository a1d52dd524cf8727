using OrleansKms.Grains.Keys.Operations;

namespace OrleansKms.Grains.Keys;

// Material that comes from outside, or leaves; since feature level 6.
public sealed partial class KeyGrain : IKeyImportGrain, IKeyExportGrain
{
    /// <inheritdoc/>
    public Task<ImportParameters> MakeParameters(MakeImportParameters request) => ImportMaking.Run(_key, request);

    /// <inheritdoc/>
    public Task<KeyDescription> Import(ImportKey request) => Importing.Run(_key, request);

    /// <inheritdoc/>
    public Task<ExportedKey> Export(ExportKey request) => Exporting.Run(_key, request);
}

namespace OrleansKms.Gateway.Operations;

/// <summary>Brings material in and out, for keys that the caller is authorized for. Since feature level 6.</summary>
internal static class Imports
{
    /// <summary>Makes the parameters of an import.</summary>
    public static ValueTask<ImportParameters> MakeParameters(Call call, string key) => NewSilos.Ask(() => new ValueTask<ImportParameters>(call.InTime(
        call.Services.Grains.GetGrain<IKeyImportGrain>(key).MakeParameters(new(call.Caller) { Within = call.Remaining }))));

    /// <summary>Imports material as a new primary version.</summary>
    public static ValueTask<KeyDescription> Import(Call call, string key, byte[] token, byte[] wrapped) => NewSilos.Ask(
        () => new ValueTask<KeyDescription>(call.InTime(call.Services.Grains.GetGrain<IKeyImportGrain>(key).Import(new(call.Caller, token, wrapped)))));

    /// <summary>Returns a version's material, wrapped.</summary>
    /// <param name="call">The request.</param>
    /// <param name="key">The key.</param>
    /// <param name="wrappingKey">Whom it is for (SubjectPublicKeyInfo, DER).</param>
    /// <param name="version">The version; null for the primary one.</param>
    public static ValueTask<ExportedKey> Export(Call call, string key, byte[] wrappingKey, int? version) => NewSilos.Ask(
        () => new ValueTask<ExportedKey>(call.InTime(call.Services.Grains.GetGrain<IKeyExportGrain>(key).Export(new(call.Caller, wrappingKey, version)))));
}

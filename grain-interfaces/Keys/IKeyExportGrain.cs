namespace OrleansKms;

/// <summary>
/// Exports material of one key. The same grain as <see cref="IKeyGrain"/>, with the same grain key; since feature level 6.
/// </summary>
/// <remarks>An interface of its own, like <see cref="IKeyRowsGrain"/>, since older silos lack it.</remarks>
[Alias("okms.IKeyExportGrain"), Orleans.CodeGeneration.Version(1)]
public interface IKeyExportGrain : IGrainWithStringKey
{
    /// <summary>
    /// Returns the material of a version, wrapped. Where the key's rule guards exports, the requester calls again once it is approved.
    /// Errors: invalid_parameter for a wrapping key that is none; the error of the key's state; not_exportable for a key that was not
    /// created so; not_found, version_not_usable; wrong_key_usage for a version that is a public key alone.
    /// </summary>
    [Alias("Export"), Operation("keys:export")] Task<ExportedKey> Export(ExportKey request);
}

/// <summary>Exports material.</summary>
/// <param name="Caller">The caller.</param>
/// <param name="WrappingPublicKey">
/// An RSA key (SubjectPublicKeyInfo, DER) of <see cref="KmsLimits.MinWrappingKeyBits"/> to <see cref="KmsLimits.MaxWrappingKeyBits"/> bits.
/// </param>
/// <param name="KeyVersion">The version; null for the primary one.</param>
[GenerateSerializer, Immutable, Alias("okms.ExportKey")]
public sealed record ExportKey(
    [property: Id(0)] Caller Caller, [property: Id(1)] byte[] WrappingPublicKey, [property: Id(2)] int? KeyVersion = null) : ICallerRequest;

/// <summary>Exported material.</summary>
/// <param name="WrappedMaterial">Wrapped as <see cref="ImportKey.WrappedMaterial"/> is, so that it can be imported elsewhere as it is unwrapped.</param>
/// <param name="KeyVersion">The version.</param>
[GenerateSerializer, Immutable, Alias("okms.ExportedKey")]
public sealed record ExportedKey([property: Id(0)] byte[] WrappedMaterial, [property: Id(1)] int KeyVersion);

using Orleans.Concurrency;

namespace OrleansKms;

/// <summary>
/// Brings own material to one key. The same grain as <see cref="IKeyGrain"/>, with the same grain key; since feature level 6.
/// </summary>
/// <remarks>An interface of its own, like <see cref="IKeyRowsGrain"/>, since older silos lack it.</remarks>
[Alias("okms.IKeyImportGrain"), Orleans.CodeGeneration.Version(1)]
public interface IKeyImportGrain : IGrainWithStringKey
{
    /// <summary>
    /// Makes an RSA key to wrap material with, for this key and this caller, good for one import within
    /// <see cref="KmsLimits.ImportParametersLife"/>. The caller's earlier parameters for the key are void. Errors: the error of the key's
    /// state; conflict for a key whose material is generated; overloaded; timeout.
    /// </summary>
    [Alias("MakeParameters"), Operation("keys:import-parameters"), AlwaysInterleave] Task<ImportParameters> MakeParameters(MakeImportParameters request);

    /// <summary>
    /// Imports material as a new primary version; material that a version has already makes none. Once the token is found, the parameters
    /// are used up, whatever comes of it. Errors: invalid_parameter, the same for a token that is not good and for material that does not
    /// unwrap; invalid_parameter for material that is not of the key's spec; the error of the key's state; conflict.
    /// </summary>
    [Alias("Import"), Operation("keys:import"), AlwaysInterleave] Task<KeyDescription> Import(ImportKey request);
}

/// <summary>Asks for import parameters.</summary>
/// <param name="Caller">The caller, who alone can import with them.</param>
[GenerateSerializer, Immutable, Alias("okms.MakeImportParameters")]
public sealed record MakeImportParameters([property: Id(0)] Caller Caller) : ICallerRequest
{
    /// <summary>How long the caller waits; null for the default time-out of a request. After that nothing is made, and the error is <c>timeout</c>.</summary>
    [Id(1)] public TimeSpan? Within { get; init; }
}

/// <summary>What material is wrapped with to be imported.</summary>
/// <param name="ImportToken">A secret that goes with the wrapped material; good once.</param>
/// <param name="WrappingPublicKey">An RSA key of 3072 bits (SubjectPublicKeyInfo, DER).</param>
/// <param name="ExpiresAt">Until when they can be used, UTC.</param>
[GenerateSerializer, Immutable, Alias("okms.ImportParameters")]
public sealed record ImportParameters(
    [property: Id(0)] byte[] ImportToken, [property: Id(1)] byte[] WrappingPublicKey, [property: Id(2)] DateTimeOffset ExpiresAt)
{
    /// <summary>Never the token.</summary>
    public override string ToString() => $"{nameof(ImportParameters)} {{ ExpiresAt = {ExpiresAt} }}";
}

/// <summary>Imports material.</summary>
/// <param name="Caller">The caller: the same who asked for the parameters.</param>
/// <param name="ImportToken">Of <see cref="ImportParameters"/>.</param>
/// <param name="WrappedMaterial">
/// An AES key of 256 bits under RSA-OAEP (SHA-256, MGF1 with SHA-256, no label), followed by the material under AES-KWP (RFC 5649) with
/// that key; at most <see cref="KmsLimits.WrappedMaterialBytes"/> bytes. The material: the bytes of a symmetric key; PKCS#8 of a private
/// key; or SubjectPublicKeyInfo, for a key that only verifies or encrypts.
/// </param>
[GenerateSerializer, Immutable, Alias("okms.ImportKey")]
public sealed record ImportKey(
    [property: Id(0)] Caller Caller, [property: Id(1)] byte[] ImportToken, [property: Id(2)] byte[] WrappedMaterial) : ICallerRequest
{
    /// <summary>Never the token.</summary>
    public override string ToString() => $"{nameof(ImportKey)} {{ Caller = {Caller} }}";
}

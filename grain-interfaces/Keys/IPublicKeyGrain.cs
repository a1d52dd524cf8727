using Orleans.Concurrency;

namespace OrleansKms;

/// <summary>
/// The public keys of one key's versions. The same grain as <see cref="IKeyGrain"/>, with the same grain key; since feature level 5, below
/// which no key has any.
/// </summary>
/// <remarks>An interface of its own, like <see cref="IKeyRowsGrain"/>, since older silos lack it.</remarks>
[Alias("okms.IPublicKeyGrain"), Orleans.CodeGeneration.Version(1)]
public interface IPublicKeyGrain : IGrainWithStringKey
{
    /// <summary>
    /// Reads the public key of a version, also of a key or version that is disabled. Errors: wrong_key_usage for a key that has none;
    /// not_found; version_not_usable for a version that is destroyed; key_pending_import, key_destroyed.
    /// </summary>
    [Alias("Read"), Operation("keys:public-key"), AlwaysInterleave] Task<PublicKeyDescription> Read(ReadPublicKey request);
}

/// <summary>Asks for a public key.</summary>
/// <param name="Caller">The caller.</param>
/// <param name="KeyVersion">The version; null for the primary one.</param>
[GenerateSerializer, Immutable, Alias("okms.ReadPublicKey")]
public sealed record ReadPublicKey([property: Id(0)] Caller Caller, [property: Id(1)] int? KeyVersion = null) : ICallerRequest;

using OrleansKms.Grains.Cryptography;

namespace OrleansKms.Grains.Providers;

/// <summary>The table of providers: who holds the keys of each protection in this installation.</summary>
/// <param name="providers">All of them; one for each protection.</param>
public sealed class KeyProviders(IEnumerable<IKeyProvider> providers)
{
    private readonly Dictionary<KeyProtection, IKeyProvider> _byProtection = providers.ToDictionary(p => p.Protection);

    /// <summary>The provider of a protection; null when this installation has none.</summary>
    /// <param name="protection">The protection.</param>
    public IKeyProvider? Find(KeyProtection protection) => _byProtection.GetValueOrDefault(protection);

    /// <summary>The algorithms that an operation with a key can name, the default first; empty where there is but one way to use it.</summary>
    /// <param name="protection">The key's protection.</param>
    /// <param name="algorithm">Its algorithm.</param>
    /// <param name="usage">Its usage.</param>
    public IReadOnlyList<string> AlgorithmNames(KeyProtection protection, KeyAlgorithm algorithm, KeyUsage usage) =>
        Find(protection)?.AlgorithmNames(algorithm, usage) ?? HsmMechanism.Find(algorithm, usage)?.AlgorithmNames(usage, proof: null) ?? [];

    /// <summary>Opens the public part of a version of an existing key.</summary>
    /// <param name="protection">The key's protection.</param>
    /// <param name="algorithm">Its algorithm.</param>
    /// <param name="usage">Its usage.</param>
    /// <param name="version">The key version; 1 or more.</param>
    /// <param name="publicPart">The public part.</param>
    /// <returns>The version, which the caller disposes; null for a spec without public parts.</returns>
    /// <exception cref="KmsException">hsm_unavailable: the key encrypts, and this silo does not know by what its HSM decrypts.</exception>
    /// <exception cref="System.Security.Cryptography.CryptographicException">It is none of the spec.</exception>
    public IKeyVersion? OpenPublic(KeyProtection protection, KeyAlgorithm algorithm, KeyUsage usage, int version, ReadOnlySpan<byte> publicPart) =>
        usage == KeyUsage.EncryptDecrypt
            ? Of(protection).OpenPublic(algorithm, usage, version, publicPart)
            : algorithm.OpenPublic(usage, version, publicPart);

    /// <summary>The provider of an existing key.</summary>
    /// <param name="protection">The key's protection.</param>
    /// <exception cref="KmsException">hsm_unavailable: this silo was started without the key's HSM.</exception>
    public IKeyProvider Of(KeyProtection protection) => Find(protection) ?? throw KmsError.HsmUnavailable.Exception();
}

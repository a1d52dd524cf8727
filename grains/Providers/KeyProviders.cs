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
    public static IReadOnlyList<string> AlgorithmNames(KeyProtection protection, KeyAlgorithm algorithm, KeyUsage usage) =>
        protection == KeyProtection.Hsm ? HsmMechanism.Find(algorithm)?.AlgorithmNames(usage) ?? [] : algorithm.AlgorithmNames(usage);

    /// <summary>The provider of an existing key.</summary>
    /// <param name="protection">The key's protection.</param>
    /// <exception cref="KmsException">hsm_unavailable: this silo was started without the key's HSM.</exception>
    public IKeyProvider Of(KeyProtection protection) => Find(protection) ?? throw KmsError.HsmUnavailable.Exception();
}

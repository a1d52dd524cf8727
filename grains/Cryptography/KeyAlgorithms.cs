using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using OrleansKms.Grains.Cryptography.Aead;
using OrleansKms.Grains.Cryptography.Agreement;
using OrleansKms.Grains.Cryptography.Derivation;
using OrleansKms.Grains.Cryptography.Encapsulation;
using OrleansKms.Grains.Cryptography.Macs;
using OrleansKms.Grains.Cryptography.Signatures;

namespace OrleansKms.Grains.Cryptography;

/// <summary>The algorithm table. A new key algorithm is one new file and one row here.</summary>
public static class KeyAlgorithms
{
    /// <summary>Algorithms that encrypt, in the order of their bytes in ciphertexts.</summary>
    public static IReadOnlyList<AeadAlgorithm> Aeads { get; } =
    [
        new Aes256GcmAlgorithm(),
        new Aes128GcmAlgorithm(),
        new XAes256GcmAlgorithm(),
        new ChaCha20Poly1305Algorithm(),
        new Aes256GcmSivAlgorithm(),
        new XChaCha20Poly1305Algorithm(),
    ];

    /// <summary>Algorithms that sign.</summary>
    public static IReadOnlyList<SignatureAlgorithm> Signatures { get; } =
    [
        new EcdsaP256Algorithm(),
        new EcdsaP384Algorithm(),
        new EcdsaP521Algorithm(),
        new EcdsaP256K1Algorithm(),
        new RsaAlgorithm(2048),
        new RsaAlgorithm(3072),
        new RsaAlgorithm(4096),
        new Ed25519Algorithm(),
        MlDsaAlgorithm.Of44,
        MlDsaAlgorithm.Of65,
        MlDsaAlgorithm.Of87,
        SlhDsaAlgorithm.Of128S,
        SlhDsaAlgorithm.Of192S,
        SlhDsaAlgorithm.Of256S,
    ];

    /// <summary>Algorithms that make MACs.</summary>
    public static IReadOnlyList<MacAlgorithm> Macs { get; } =
    [
        new Hmac224Algorithm(),
        new Hmac256Algorithm(),
        new Hmac384Algorithm(),
        new Hmac512Algorithm(),
    ];

    /// <summary>Algorithms that only derive or agree.</summary>
    public static IReadOnlyList<KeyAlgorithm> Derivations { get; } =
    [
        new Hkdf256Algorithm(),
        new X25519Algorithm(),
    ];

    /// <summary>Algorithms that encapsulate.</summary>
    public static IReadOnlyList<KemAlgorithm> Encapsulations { get; } =
    [
        MlKemAlgorithm.Of512,
        MlKemAlgorithm.Of768,
        MlKemAlgorithm.Of1024,
        XWingAlgorithm.Instance,
    ];

    /// <summary>Every algorithm.</summary>
    public static IReadOnlyList<KeyAlgorithm> All { get; } = [.. Aeads, .. Signatures, .. Macs, .. Derivations, .. Encapsulations];

    private static readonly FrozenDictionary<string, KeyAlgorithm> _bySpec =
        All.ToFrozenDictionary(a => a.Spec, StringComparer.Ordinal);

    /// <summary>Finds an algorithm by its name.</summary>
    /// <param name="spec">The name, case-sensitive, for example <c>AES_256_GCM</c>; may be anything.</param>
    /// <param name="algorithm">The algorithm, if there is one.</param>
    public static bool TryFind(string spec, [NotNullWhen(true)] out KeyAlgorithm? algorithm) =>
        _bySpec.TryGetValue(spec, out algorithm);
}

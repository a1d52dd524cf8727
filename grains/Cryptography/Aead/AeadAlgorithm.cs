namespace OrleansKms.Grains.Cryptography.Aead;

/// <summary>
/// A key spec for authenticated encryption with associated data (RFC 5116). All use a 128-bit tag, the longest that each
/// supports: a shorter tag gains nothing here and makes forgery easier.
/// </summary>
public abstract class AeadAlgorithm : KeyAlgorithm
{
    /// <summary>Length of the authentication tag in bytes, for every algorithm.</summary>
    public const int TagLength = 16;

    private static readonly KeyUsage[] _usages = [KeyUsage.EncryptDecrypt];

    /// <inheritdoc/>
    public sealed override IReadOnlyList<KeyUsage> Usages => _usages;

    /// <summary>The algorithm byte in ciphertexts; never changes and is never reused for another algorithm.</summary>
    public abstract byte Id { get; }

    /// <summary>Length of the material in bytes.</summary>
    public abstract int MaterialLength { get; }

    /// <summary>Length of the nonce in bytes.</summary>
    public abstract int NonceLength { get; }

    /// <inheritdoc/>
    public sealed override ValueTask<SecretBytes> NewMaterial(CancellationToken cancellationToken = default) => new(SecretBytes.Random(MaterialLength));

    /// <inheritdoc/>
    public sealed override bool Accepts(ReadOnlySpan<byte> material) => material.Length == MaterialLength;

    /// <summary>Opens a key. The material may be zeroed as soon as this returns.</summary>
    /// <param name="material">Exactly <see cref="MaterialLength"/> bytes.</param>
    /// <returns>The key, which the caller disposes.</returns>
    /// <exception cref="ArgumentException">The material has the wrong length.</exception>
    public AeadKey OpenKey(ReadOnlySpan<byte> material) => Accepts(material)
        ? OpenKeyCore(material)
        : throw new ArgumentException($"Material of {Spec} must be {MaterialLength} bytes.", nameof(material));

    /// <summary>Makes the codec of a version's ciphertexts.</summary>
    /// <param name="keyId">The key's id; a valid one.</param>
    /// <param name="version">The key version; 1 or more.</param>
    internal CiphertextCodec Codec(string keyId, int version) => new(Id, keyId, version, NonceLength + TagLength);

    private protected sealed override IKeyVersion OpenCore(
        KeyUsage usage, string keyId, int version, ReadOnlySpan<byte> material) =>
        new AeadVersion(this, keyId, version, material, NonceSource.System);

    /// <summary>Opens a key from material of the right length.</summary>
    /// <param name="material">The material; do not keep it.</param>
    private protected abstract AeadKey OpenKeyCore(ReadOnlySpan<byte> material);
}

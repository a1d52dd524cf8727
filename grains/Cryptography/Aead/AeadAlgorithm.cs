namespace OrleansKms.Grains.Cryptography.Aead;

/// <summary>
/// A key spec whose keys encrypt with authentication and associated data (RFC 5116). Every one of them takes a tag of 128
/// bits, the longest that any of them has, because a shorter tag buys nothing here and makes forgery easier.
/// </summary>
public abstract class AeadAlgorithm : KeyAlgorithm
{
    /// <summary>Length of the authentication tag in bytes, for every algorithm.</summary>
    public const int TagLength = 16;

    private static readonly KeyUsage[] _usages = [KeyUsage.EncryptDecrypt];

    /// <inheritdoc/>
    public sealed override IReadOnlyList<KeyUsage> Usages => _usages;

    /// <summary>Length of the nonce in bytes.</summary>
    public abstract int NonceLength { get; }

    /// <summary>Makes a key ready for use. The material may be zeroed as soon as this returns.</summary>
    /// <param name="material">Exactly <see cref="KeyAlgorithm.MaterialLength"/> bytes.</param>
    /// <returns>The key, which the caller disposes.</returns>
    /// <exception cref="ArgumentException">The material has another length.</exception>
    public AeadKey Open(ReadOnlySpan<byte> material)
    {
        if (material.Length != MaterialLength)
        {
            throw new ArgumentException($"Material of {Spec} has {MaterialLength} bytes.", nameof(material));
        }

        return OpenCore(material);
    }

    /// <summary>Makes the key of material that has the right length.</summary>
    /// <param name="material">The material; not to be kept.</param>
    private protected abstract AeadKey OpenCore(ReadOnlySpan<byte> material);
}

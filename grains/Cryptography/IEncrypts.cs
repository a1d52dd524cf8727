namespace OrleansKms.Grains.Cryptography;

/// <summary>A version that makes and opens the ciphertexts of FORMAT.md.</summary>
public interface IEncrypts : IKeyVersion
{
    /// <summary>Encrypts under a fresh nonce.</summary>
    /// <param name="kind">The kind of plaintext; it is authenticated.</param>
    /// <param name="plaintext">The plaintext; must not change before this completes.</param>
    /// <param name="associatedData">Required again to decrypt; may be empty.</param>
    /// <exception cref="ArgumentOutOfRangeException">The kind is not one of a ciphertext.</exception>
    /// <exception cref="KmsException">hsm_unavailable, payload_too_large.</exception>
    ValueTask<byte[]> Encrypt(CiphertextKind kind, ReadOnlyMemory<byte> plaintext, ReadOnlyMemory<byte> associatedData);

    /// <summary>Decrypts and verifies.</summary>
    /// <param name="header">The header read from the ciphertext.</param>
    /// <param name="ciphertext">The complete ciphertext; may be anything.</param>
    /// <param name="associatedData">The associated data given to encrypt.</param>
    /// <returns>The plaintext, or null if this version did not make it with this associated data.</returns>
    /// <exception cref="KmsException">hsm_unavailable.</exception>
    ValueTask<byte[]?> Decrypt(CiphertextHeader header, ReadOnlyMemory<byte> ciphertext, ReadOnlyMemory<byte> associatedData);
}

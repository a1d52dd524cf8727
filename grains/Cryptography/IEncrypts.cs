namespace OrleansKms.Grains.Cryptography;

/// <summary>A version that makes and opens the ciphertexts of FORMAT.md.</summary>
public interface IEncrypts : IKeyVersion
{
    /// <summary>Encrypts under a fresh nonce.</summary>
    /// <param name="kind">What the plaintext is; it is authenticated.</param>
    /// <param name="plaintext">The plaintext; unchanged until the answer.</param>
    /// <param name="associatedData">Must be given again to decrypt; may be empty.</param>
    /// <exception cref="ArgumentOutOfRangeException">No ciphertext has this kind.</exception>
    /// <exception cref="KmsException">hsm_unavailable, payload_too_large.</exception>
    ValueTask<byte[]> Encrypt(CiphertextKind kind, ReadOnlyMemory<byte> plaintext, ReadOnlyMemory<byte> associatedData);

    /// <summary>Decrypts and verifies.</summary>
    /// <param name="header">The header read from the ciphertext.</param>
    /// <param name="ciphertext">The complete ciphertext; may be anything.</param>
    /// <param name="associatedData">What was given to encrypt.</param>
    /// <returns>The plaintext, or null if this version did not make it with this associated data.</returns>
    /// <exception cref="KmsException">hsm_unavailable.</exception>
    ValueTask<byte[]?> Decrypt(CiphertextHeader header, ReadOnlyMemory<byte> ciphertext, ReadOnlyMemory<byte> associatedData);
}

namespace OrleansKms.Grains.Cryptography;

/// <summary>
/// A version that encrypts in this process. It answers without waiting, and the length of each answer is known in advance, so
/// many can be written into one buffer.
/// </summary>
public interface IEncryptsAtOnce : IEncrypts
{
    /// <summary>The exact length of a ciphertext in bytes.</summary>
    /// <param name="plaintextLength">The plaintext's length in bytes.</param>
    int CiphertextLength(int plaintextLength);

    /// <summary>
    /// The exact length of a plaintext in bytes; 0 also when the input is too short to be a ciphertext of this version.
    /// </summary>
    /// <param name="ciphertextLength">The ciphertext's length in bytes.</param>
    int PlaintextLength(int ciphertextLength);

    /// <summary>Encrypts into a buffer, under a fresh nonce.</summary>
    /// <param name="kind">The kind of plaintext; it is authenticated.</param>
    /// <param name="plaintext">Any length, including zero.</param>
    /// <param name="associatedData">Required again to decrypt; may be empty.</param>
    /// <param name="ciphertext">
    /// Receives the complete, self-describing ciphertext; exactly <see cref="CiphertextLength"/> bytes, and must not overlap the
    /// plaintext.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">The kind is not one of a ciphertext.</exception>
    /// <exception cref="ArgumentException">The buffer has the wrong length.</exception>
    /// <exception cref="ObjectDisposedException">The version is disposed.</exception>
    void Encrypt(
        CiphertextKind kind, ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> associatedData, Span<byte> ciphertext);

    /// <summary>Decrypts into a buffer and verifies. Never throws because of the ciphertext.</summary>
    /// <param name="header">The header read from the ciphertext.</param>
    /// <param name="ciphertext">The complete ciphertext; may be anything.</param>
    /// <param name="associatedData">The associated data given to encrypt; may be anything.</param>
    /// <param name="plaintext">
    /// Receives the plaintext; exactly <see cref="PlaintextLength"/> bytes. Holds none of it when the result is false.
    /// </param>
    /// <returns>False unless this version made this ciphertext with this associated data, whatever the difference.</returns>
    /// <exception cref="ArgumentException">The buffer has the wrong length.</exception>
    /// <exception cref="ObjectDisposedException">The version is disposed.</exception>
    bool TryDecrypt(
        in CiphertextHeader header, ReadOnlySpan<byte> ciphertext, ReadOnlySpan<byte> associatedData, Span<byte> plaintext);
}

/// <summary>The same into new arrays, the only allocations.</summary>
public static class EncryptsAtOnceExtensions
{
    /// <summary>Encrypts under a fresh nonce.</summary>
    /// <param name="version">The version.</param>
    /// <param name="kind">The kind of plaintext; it is authenticated.</param>
    /// <param name="plaintext">Any length, including zero.</param>
    /// <param name="associatedData">Required again to decrypt; may be empty.</param>
    /// <exception cref="ArgumentOutOfRangeException">The kind is not one of a ciphertext.</exception>
    /// <exception cref="ObjectDisposedException">The version is disposed.</exception>
    public static byte[] EncryptToArray(
        this IEncryptsAtOnce version, CiphertextKind kind, ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> associatedData)
    {
        // Every byte is written, or the array never leaves.
        var ciphertext = GC.AllocateUninitializedArray<byte>(version.CiphertextLength(plaintext.Length));
        version.Encrypt(kind, plaintext, associatedData, ciphertext);
        return ciphertext;
    }

    /// <summary>Decrypts and verifies. Never throws because of its input.</summary>
    /// <param name="version">The version.</param>
    /// <param name="header">The header read from the ciphertext.</param>
    /// <param name="ciphertext">The complete ciphertext; may be anything.</param>
    /// <param name="associatedData">The associated data given to encrypt; may be anything.</param>
    /// <returns>The plaintext, or null if this version did not make it with this associated data.</returns>
    /// <exception cref="ObjectDisposedException">The version is disposed.</exception>
    public static byte[]? DecryptToArray(
        this IEncryptsAtOnce version, in CiphertextHeader header, ReadOnlySpan<byte> ciphertext, ReadOnlySpan<byte> associatedData)
    {
        var plaintext = GC.AllocateUninitializedArray<byte>(version.PlaintextLength(ciphertext.Length));
        return version.TryDecrypt(header, ciphertext, associatedData, plaintext) ? plaintext : null;
    }
}

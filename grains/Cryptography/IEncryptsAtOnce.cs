namespace OrleansKms.Grains.Cryptography;

/// <summary>
/// A version that encrypts in this process: it answers without waiting, and the lengths of its answers are known beforehand,
/// so many of them can be written into one buffer.
/// </summary>
public interface IEncryptsAtOnce : IEncrypts
{
    /// <summary>The exact length of a ciphertext in bytes.</summary>
    /// <param name="plaintextLength">The plaintext's length in bytes.</param>
    int CiphertextLength(int plaintextLength);

    /// <summary>The exact length of a plaintext in bytes; 0 also for what is too short to be a ciphertext of this version.</summary>
    /// <param name="ciphertextLength">The ciphertext's length in bytes.</param>
    int PlaintextLength(int ciphertextLength);

    /// <summary>Encrypts into a buffer, under a fresh nonce.</summary>
    /// <param name="kind">What the plaintext is; it is authenticated.</param>
    /// <param name="plaintext">Any length, also none.</param>
    /// <param name="associatedData">Must be given again to decrypt; may be empty.</param>
    /// <param name="ciphertext">
    /// Receives the complete, self-describing ciphertext; exactly <see cref="CiphertextLength"/> bytes, apart from the plaintext.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">No ciphertext has this kind.</exception>
    /// <exception cref="ArgumentException">The buffer has another length.</exception>
    /// <exception cref="ObjectDisposedException">The version is disposed.</exception>
    void Encrypt(
        CiphertextKind kind, ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> associatedData, Span<byte> ciphertext);

    /// <summary>Decrypts into a buffer, and verifies. No ciphertext makes it throw.</summary>
    /// <param name="header">The header read from the ciphertext.</param>
    /// <param name="ciphertext">The complete ciphertext; may be anything.</param>
    /// <param name="associatedData">What was given to encrypt; may be anything.</param>
    /// <param name="plaintext">
    /// Receives the plaintext; exactly <see cref="PlaintextLength"/> bytes. Holds nothing of it when false is returned.
    /// </param>
    /// <returns>
    /// False if this is not a ciphertext that this version made with this associated data, whatever it is that differs.
    /// </returns>
    /// <exception cref="ArgumentException">The buffer has another length.</exception>
    /// <exception cref="ObjectDisposedException">The version is disposed.</exception>
    bool TryDecrypt(
        in CiphertextHeader header, ReadOnlySpan<byte> ciphertext, ReadOnlySpan<byte> associatedData, Span<byte> plaintext);
}

/// <summary>The same into arrays of their own, which are all that is allocated.</summary>
public static class EncryptsAtOnceExtensions
{
    /// <summary>Encrypts under a fresh nonce.</summary>
    /// <param name="version">The version.</param>
    /// <param name="kind">What the plaintext is; it is authenticated.</param>
    /// <param name="plaintext">Any length, also none.</param>
    /// <param name="associatedData">Must be given again to decrypt; may be empty.</param>
    /// <exception cref="ArgumentOutOfRangeException">No ciphertext has this kind.</exception>
    /// <exception cref="ObjectDisposedException">The version is disposed.</exception>
    public static byte[] EncryptToArray(
        this IEncryptsAtOnce version, CiphertextKind kind, ReadOnlySpan<byte> plaintext, ReadOnlySpan<byte> associatedData)
    {
        // Each byte of it is written, or it never leaves.
        var ciphertext = GC.AllocateUninitializedArray<byte>(version.CiphertextLength(plaintext.Length));
        version.Encrypt(kind, plaintext, associatedData, ciphertext);
        return ciphertext;
    }

    /// <summary>Decrypts and verifies. No bytes make it throw.</summary>
    /// <param name="version">The version.</param>
    /// <param name="header">The header read from the ciphertext.</param>
    /// <param name="ciphertext">The complete ciphertext; may be anything.</param>
    /// <param name="associatedData">What was given to encrypt; may be anything.</param>
    /// <returns>The plaintext, or null if this version did not make it with this associated data.</returns>
    /// <exception cref="ObjectDisposedException">The version is disposed.</exception>
    public static byte[]? DecryptToArray(
        this IEncryptsAtOnce version, in CiphertextHeader header, ReadOnlySpan<byte> ciphertext, ReadOnlySpan<byte> associatedData)
    {
        var plaintext = GC.AllocateUninitializedArray<byte>(version.PlaintextLength(ciphertext.Length));
        return version.TryDecrypt(header, ciphertext, associatedData, plaintext) ? plaintext : null;
    }
}

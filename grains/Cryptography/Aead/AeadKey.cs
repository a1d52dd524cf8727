namespace OrleansKms.Grains.Cryptography.Aead;

/// <summary>
/// An open AEAD key. The base checks arguments once; a subclass does only the cryptography. Not thread-safe: it has one owner, a
/// grain, which is single-threaded.
/// </summary>
public abstract class AeadKey : IDisposable
{
    private readonly int _nonceLength;
    private bool _disposed;

    /// <summary>Makes a key.</summary>
    /// <param name="nonceLength">The algorithm's nonce length in bytes.</param>
    private protected AeadKey(int nonceLength) => _nonceLength = nonceLength;

    /// <summary>
    /// Encrypts. A nonce must never repeat under one key: with GCM, one repeat reveals the authentication key and the XOR of the
    /// two plaintexts.
    /// </summary>
    /// <param name="nonce">Exactly the algorithm's nonce length.</param>
    /// <param name="plaintext">Any length, including zero.</param>
    /// <param name="ciphertext">Receives the ciphertext; exactly as long as the plaintext.</param>
    /// <param name="tag">Receives the tag; <see cref="AeadAlgorithm.TagLength"/> bytes.</param>
    /// <param name="associatedData">Authenticated, not encrypted.</param>
    /// <exception cref="ArgumentException">A length is wrong.</exception>
    /// <exception cref="ObjectDisposedException">The key is disposed.</exception>
    public void Encrypt(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext, Span<byte> ciphertext, Span<byte> tag,
        ReadOnlySpan<byte> associatedData)
    {
        Check(nonce.Length, plaintext.Length, ciphertext.Length, tag.Length);
        EncryptCore(nonce, plaintext, ciphertext, tag, associatedData);
    }

    /// <summary>Decrypts and verifies.</summary>
    /// <param name="nonce">Exactly the algorithm's nonce length.</param>
    /// <param name="ciphertext">The ciphertext without its tag.</param>
    /// <param name="tag">The tag; <see cref="AeadAlgorithm.TagLength"/> bytes.</param>
    /// <param name="plaintext">Receives the plaintext; exactly as long as the ciphertext. All zeros after a forgery.</param>
    /// <param name="associatedData">The associated data given to encrypt.</param>
    /// <returns>False for a forgery, whatever was changed.</returns>
    /// <exception cref="ArgumentException">A length is wrong.</exception>
    /// <exception cref="ObjectDisposedException">The key is disposed.</exception>
    public bool TryDecrypt(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> ciphertext, ReadOnlySpan<byte> tag,
        Span<byte> plaintext, ReadOnlySpan<byte> associatedData)
    {
        Check(nonce.Length, plaintext.Length, ciphertext.Length, tag.Length);
        if (TryDecryptCore(nonce, ciphertext, tag, plaintext, associatedData))
        {
            return true;
        }

        // Unauthenticated plaintext must not be seen, whatever the primitive left in the buffer.
        plaintext.Clear();
        return false;
    }

    /// <summary>Erases the key; it cannot be used afterwards.</summary>
    public void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            DisposeCore();
        }

        GC.SuppressFinalize(this);
    }

    private protected abstract void EncryptCore(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext,
        Span<byte> ciphertext, Span<byte> tag, ReadOnlySpan<byte> associatedData);

    private protected abstract bool TryDecryptCore(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> ciphertext,
        ReadOnlySpan<byte> tag, Span<byte> plaintext, ReadOnlySpan<byte> associatedData);

    private protected abstract void DisposeCore();

    private void Check(int nonce, int plaintext, int ciphertext, int tag)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (nonce != _nonceLength || plaintext != ciphertext || tag != AeadAlgorithm.TagLength)
        {
            throw new ArgumentException(
                $"The nonce must be {_nonceLength} bytes, the tag {AeadAlgorithm.TagLength}, and the ciphertext as long as the "
                    + "plaintext.");
        }
    }
}

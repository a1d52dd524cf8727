namespace OrleansKms.Grains.Cryptography.Aead;

/// <summary>
/// An AEAD key ready for use. The base checks arguments once; a subclass does only the cryptography. Made for one owner and
/// for one thread at a time, which is what a grain is.
/// </summary>
public abstract class AeadKey : IDisposable
{
    private readonly int _nonceLength;
    private bool _disposed;

    /// <summary>Makes a key.</summary>
    /// <param name="nonceLength">The algorithm's nonce length in bytes.</param>
    private protected AeadKey(int nonceLength) => _nonceLength = nonceLength;

    /// <summary>Encrypts. Two messages must never share a nonce under one key: with GCM a single repeat gives away the
    /// authentication key and the difference of the plaintexts.</summary>
    /// <param name="nonce">The algorithm's nonce length.</param>
    /// <param name="plaintext">Any length, also none.</param>
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
    /// <param name="nonce">The algorithm's nonce length.</param>
    /// <param name="ciphertext">The ciphertext without its tag.</param>
    /// <param name="tag">The tag; <see cref="AeadAlgorithm.TagLength"/> bytes.</param>
    /// <param name="plaintext">Receives the plaintext; exactly as long as the ciphertext. All zero after a forgery.</param>
    /// <param name="associatedData">What was given to encrypt.</param>
    /// <returns>False for a forgery, whatever it is that was changed.</returns>
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

        // Unauthenticated plaintext must not be seen by anyone, whatever the primitive left in the buffer.
        plaintext.Clear();
        return false;
    }

    /// <summary>Erases the key. Nothing can be done with it afterwards.</summary>
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
                $"The nonce has {_nonceLength} bytes, the tag {AeadAlgorithm.TagLength}, and the ciphertext as many as the plaintext.");
        }
    }
}

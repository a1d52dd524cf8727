namespace OrleansKms.Grains.Cryptography.Encapsulation;

/// <summary>One version of a key in this process: its private part. Not thread-safe.</summary>
/// <param name="version">The key version; 1 or more.</param>
/// <param name="ciphertextLength">Length of a ciphertext in bytes.</param>
/// <param name="key">Its private key, which this disposes.</param>
internal sealed class DecapsulatingVersion(int version, int ciphertextLength, KemKey key) : IDecapsulates
{
    private bool _disposed;

    /// <inheritdoc/>
    public int Version => version;

    /// <inheritdoc/>
    public bool IsAvailable => true;

    /// <inheritdoc/>
    public SecretBytes? Decapsulate(ReadOnlySpan<byte> ciphertext)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (ciphertext.Length != ciphertextLength)
        {
            return null;
        }

        var secret = new SecretBytes(KemKey.SecretLength);
        key.Decapsulate(ciphertext, secret.Span);
        return secret;
    }

    /// <summary>Erases the key.</summary>
    public void Dispose()
    {
        _disposed = true;
        key.Dispose();
    }
}

namespace OrleansKms.Grains.Cryptography.Encapsulation;

/// <summary>One version of a key in this process: its public part. Not thread-safe.</summary>
/// <param name="version">The key version; 1 or more.</param>
/// <param name="ciphertextLength">Length of a ciphertext in bytes.</param>
/// <param name="key">Its public key, which this disposes.</param>
internal sealed class EncapsulatingVersion(int version, int ciphertextLength, KemKey key) : IEncapsulates
{
    /// <inheritdoc/>
    public int Version => version;

    /// <inheritdoc/>
    public bool IsAvailable => true;

    /// <inheritdoc/>
    public int CiphertextLength => ciphertextLength;

    /// <inheritdoc/>
    public SecretBytes Encapsulate(Span<byte> ciphertext)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(ciphertext.Length, ciphertextLength);
        var secret = new SecretBytes(KemKey.SecretLength);
        key.Encapsulate(ciphertext, secret.Span);
        return secret;
    }

    /// <summary>Disposes the key.</summary>
    public void Dispose() => key.Dispose();
}

using System.Security.Cryptography;

namespace OrleansKms.Grains.Cryptography.Oaep;

/// <summary>One version of an RSA key that encrypts, in this process: its public part. Not thread-safe.</summary>
/// <param name="version">The key version; 1 or more.</param>
/// <param name="rsa">Its public key, which this disposes.</param>
internal sealed class RsaOaepPublicVersion(int version, RSA rsa) : IEncryptsByPublicKey
{
    private readonly int _length = rsa.KeySize / 8;

    /// <inheritdoc/>
    public int Version => version;

    /// <inheritdoc/>
    public bool IsAvailable => true;

    /// <inheritdoc/>
    public IReadOnlyList<EncryptionScheme> Schemes => RsaOaepScheme.All;

    /// <inheritdoc/>
    public int MaxPlaintextLength(EncryptionScheme scheme) => ((RsaOaepScheme)scheme).MaxPlaintextLength(_length);

    /// <inheritdoc/>
    public byte[] Encrypt(EncryptionScheme scheme, ReadOnlySpan<byte> plaintext)
    {
        var ciphertext = new byte[_length];
        return rsa.TryEncrypt(plaintext, ciphertext, ((RsaOaepScheme)scheme).Padding, out var written) && written == _length
            ? ciphertext
            : throw new CryptographicException("internal error: an RSA ciphertext is as long as the modulus.");
    }

    /// <summary>Disposes the key.</summary>
    public void Dispose() => rsa.Dispose();
}

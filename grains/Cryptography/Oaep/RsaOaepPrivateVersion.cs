using System.Security.Cryptography;

namespace OrleansKms.Grains.Cryptography.Oaep;

/// <summary>
/// One version of an RSA key that decrypts, in this process: its private part, on the platform's implementation, which blinds and checks
/// the padding in constant time (Manger's attack learns from a difference there). Not thread-safe.
/// </summary>
/// <param name="version">The key version; 1 or more.</param>
/// <param name="rsa">Its private key, which this disposes.</param>
internal sealed class RsaOaepPrivateVersion(int version, RSA rsa) : IDecryptsByPrivateKey
{
    private const int MaxLength = 4096 / 8;

    /// <inheritdoc/>
    public int Version => version;

    /// <inheritdoc/>
    public bool IsAvailable => true;

    /// <inheritdoc/>
    public IReadOnlyList<EncryptionScheme> Schemes => RsaOaepScheme.All;

    /// <inheritdoc/>
    public int CiphertextLength { get; } = rsa.KeySize / 8;

    /// <inheritdoc/>
    public ValueTask<byte[]?> Decrypt(EncryptionScheme scheme, ReadOnlyMemory<byte> ciphertext)
    {
        if (ciphertext.Length != CiphertextLength)
        {
            return new(default(byte[]));
        }

        Span<byte> room = stackalloc byte[MaxLength];
        try
        {
            return rsa.TryDecrypt(ciphertext.Span, room, ((RsaOaepScheme)scheme).Padding, out var length)
                ? new(room[..length].ToArray())
                : throw new InvalidOperationException("internal error: an RSA plaintext is shorter than the modulus.");
        }
        catch (CryptographicException)
        {
            // Whatever is wrong is this one exception.
            return new(default(byte[]));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(room);
        }
    }

    /// <summary>Erases the key, as far as the platform can.</summary>
    public void Dispose() => rsa.Dispose();
}

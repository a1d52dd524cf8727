using System.Security.Cryptography;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Aead;

namespace OrleansKms.Grains.Providers;

/// <summary>Keys in this process. Its answers are there at once.</summary>
internal sealed class SoftwareKeyProvider : IKeyProvider
{
    /// <inheritdoc/>
    public KeyProtection Protection => KeyProtection.Software;

    /// <inheritdoc/>
    public bool AnswersAtOnce => true;

    /// <inheritdoc/>
    public int Parallelism => 1;

    /// <inheritdoc/>
    public bool IsAvailable => true;

    /// <inheritdoc/>
    public bool Supports(KeyAlgorithm algorithm) => true;

    /// <inheritdoc/>
    public ValueTask<SecretBytes> Generate(KeyAlgorithm algorithm, KeyVersionName name) =>
        new(SecretBytes.Random(algorithm.MaterialLength));

    /// <inheritdoc/>
    public IVersionOperations Open(KeyAlgorithm algorithm, KeyVersionName name, ReadOnlySpan<byte> kept)
    {
        try
        {
            return algorithm is AeadAlgorithm aead
                ? new SoftwareVersion(new VersionCipher(aead, name.KeyId, name.Version, kept))
                : throw KmsError.KeyCorrupted.Exception();
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            throw KmsError.KeyCorrupted.Exception();
        }
    }

    /// <inheritdoc/>
    public ValueTask Destroy(KeyVersionName name) => ValueTask.CompletedTask;

    private sealed class SoftwareVersion(VersionCipher cipher) : IVersionOperations
    {
        public int Version => cipher.Version;

        public int Overhead => cipher.Overhead;

        public ValueTask<byte[]> Encrypt(
            CiphertextKind kind, ReadOnlyMemory<byte> plaintext, ReadOnlyMemory<byte> associatedData) =>
            new(cipher.Encrypt(kind, plaintext.Span, associatedData.Span));

        public ValueTask<byte[]?> Decrypt(
            CiphertextHeader header, ReadOnlyMemory<byte> ciphertext, ReadOnlyMemory<byte> associatedData) =>
            new(cipher.Decrypt(header, ciphertext.Span, associatedData.Span));

        public void Dispose() => cipher.Dispose();
    }
}

using System.Security.Cryptography;

namespace OrleansKms.Grains.Cryptography.Aead;

/// <summary>ChaCha20-Poly1305: RFC 8439, 2.8, on the platform's implementation.</summary>
/// <remarks>
/// Key 256 bits, nonce 96 bits, tag 128 bits. A message is at most 2^38 - 64 bytes. The RFC sets no limit for random nonces; the
/// limit of AES-GCM applies here, since the nonce is as long and a repeat as harmful (it reveals the one-time Poly1305 key and
/// the XOR of the plaintexts).
/// </remarks>
public sealed class ChaCha20Poly1305Algorithm : AeadAlgorithm
{
    private const int NonceBytes = 12;

    /// <inheritdoc/>
    public override string Spec => "CHACHA20_POLY1305";

    /// <inheritdoc/>
    public override int SinceLevel(KeyUsage usage) => 1;

    /// <inheritdoc/>
    public override byte Id => 4;

    /// <inheritdoc/>
    public override int MaterialLength => 32;

    /// <inheritdoc/>
    public override int NonceLength => NonceBytes;

    /// <inheritdoc/>
    public override UsageLimit Limit => UsageLimit.Random96BitNonces;

    private protected override AeadKey OpenKeyCore(ReadOnlySpan<byte> material) => new Key(material);

    private sealed class Key(ReadOnlySpan<byte> material) : AeadKey(NonceBytes)
    {
        private readonly ChaCha20Poly1305 _chacha = new(material);

        private protected override void EncryptCore(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext,
            Span<byte> ciphertext, Span<byte> tag, ReadOnlySpan<byte> associatedData) =>
            _chacha.Encrypt(nonce, plaintext, ciphertext, tag, associatedData);

        private protected override bool TryDecryptCore(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> ciphertext,
            ReadOnlySpan<byte> tag, Span<byte> plaintext, ReadOnlySpan<byte> associatedData)
        {
            try
            {
                _chacha.Decrypt(nonce, ciphertext, tag, plaintext, associatedData);
                return true;
            }
            catch (AuthenticationTagMismatchException)
            {
                return false;
            }
        }

        private protected override void DisposeCore() => _chacha.Dispose();
    }
}

using Org.BouncyCastle.Crypto.Modes;

namespace OrleansKms.Grains.Cryptography.Aead;

/// <summary>
/// XChaCha20-Poly1305: ChaCha20-Poly1305 (RFC 8439) with a nonce long enough to be random without a limit in practice
/// (draft-irtf-cfrg-xchacha-03, 2).
/// </summary>
/// <remarks>
/// Key 256 bits, nonce 192 bits, tag 128 bits. A message is at most 2^38 - 64 bytes. After 2^80 messages random nonces collide with a
/// probability of 2^-32 (section 2.1 there), so a version has no usage limit.
/// </remarks>
public sealed class XChaCha20Poly1305Algorithm : AeadAlgorithm
{
    private const int NonceBytes = 24;

    /// <inheritdoc/>
    public override string Spec => "XCHACHA20_POLY1305";

    /// <inheritdoc/>
    public override byte Id => 6;

    /// <inheritdoc/>
    public override int MaterialLength => 32;

    /// <inheritdoc/>
    public override int NonceLength => NonceBytes;

    /// <inheritdoc/>
    public override UsageLimit Limit => UsageLimit.None;

    private protected override AeadKey OpenKeyCore(ReadOnlySpan<byte> material) =>
        new BouncyCastleAeadKey(material, NonceBytes, static () => new XChaCha20Poly1305());
}

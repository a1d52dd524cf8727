using Org.BouncyCastle.Crypto.Modes;

namespace OrleansKms.Grains.Cryptography.Aead;

/// <summary>
/// AES-256-GCM-SIV: RFC 8452, 6 names it AEAD_AES_256_GCM_SIV. It survives a repeated nonce: that reveals only whether two messages
/// under it, with the same associated data, are equal.
/// </summary>
/// <remarks>
/// Key 256 bits, nonce 96 bits, tag 128 bits. Each nonce has keys of its own, so a key serves for far more messages than one of
/// AES-GCM. RFC 8452, 9 keeps an attacker's advantage below 2^-32 for 2^48 random nonces and plaintexts of up to 32 MiB; the largest
/// here has 1 MiB. Where the processor has no AES and carry-less multiplication, BouncyCastle uses tables, whose timing may depend on
/// the key.
/// </remarks>
public sealed class Aes256GcmSivAlgorithm : AeadAlgorithm
{
    private const int NonceBytes = 12;

    /// <inheritdoc/>
    public override string Spec => "AES_256_GCM_SIV";

    /// <inheritdoc/>
    public override byte Id => 5;

    /// <inheritdoc/>
    public override int MaterialLength => 32;

    /// <inheritdoc/>
    public override int NonceLength => NonceBytes;

    /// <inheritdoc/>
    public override UsageLimit Limit => new(RotateAt: 1L << 47, RefuseAt: 1L << 48);

    private protected override AeadKey OpenKeyCore(ReadOnlySpan<byte> material) =>
        new BouncyCastleAeadKey(material, NonceBytes, static () => new GcmSivBlockCipher());
}

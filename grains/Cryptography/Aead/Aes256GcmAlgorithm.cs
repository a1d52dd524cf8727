namespace OrleansKms.Grains.Cryptography.Aead;

/// <summary>
/// AES-256-GCM, the default: SP 800-38D with AES-256 (FIPS 197); RFC 5116, 5.2 names it AEAD_AES_256_GCM.
/// </summary>
/// <remarks>
/// Key 256 bits, nonce 96 bits, tag 128 bits. A message is at most 2^36 - 32 bytes; with random nonces a key encrypts at most
/// 2^32 messages (SP 800-38D, 8.3), which keeps the probability of a repeated nonce below 2^-32.
/// </remarks>
public sealed class Aes256GcmAlgorithm : AeadAlgorithm
{
    /// <inheritdoc/>
    public override string Spec => "AES_256_GCM";

    /// <inheritdoc/>
    public override int SinceLevel(KeyUsage usage) => 1;

    /// <inheritdoc/>
    public override byte Id => 1;

    /// <inheritdoc/>
    public override int MaterialLength => 32;

    /// <inheritdoc/>
    public override int NonceLength => AesGcmKey.NonceLength;

    /// <inheritdoc/>
    public override UsageLimit Limit => UsageLimit.Random96BitNonces;

    private protected override AeadKey OpenKeyCore(ReadOnlySpan<byte> material) => new AesGcmKey(material);
}

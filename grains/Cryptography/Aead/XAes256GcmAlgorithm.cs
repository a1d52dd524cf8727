namespace OrleansKms.Grains.Cryptography.Aead;

/// <summary>
/// XAES-256-GCM: AES-256-GCM with a nonce long enough to be random without a limit in practice (c2sp.org/XAES-256-GCM).
/// </summary>
/// <remarks>
/// Key 256 bits, nonce 192 bits, tag 128 bits. A message is at most 2^36 - 32 bytes. After 2^80 messages random nonces collide
/// with a probability of 2^-32, so a version has no usage limit. <see cref="XAes256Gcm"/> does the work.
/// </remarks>
public sealed class XAes256GcmAlgorithm : AeadAlgorithm
{
    /// <inheritdoc/>
    public override string Spec => "XAES_256_GCM";

    /// <inheritdoc/>
    public override int SinceLevel(KeyUsage usage) => 1;

    /// <inheritdoc/>
    public override byte Id => 3;

    /// <inheritdoc/>
    public override int MaterialLength => XAes256Gcm.KeyLength;

    /// <inheritdoc/>
    public override int NonceLength => XAes256Gcm.NonceLength;

    /// <inheritdoc/>
    public override UsageLimit Limit => UsageLimit.None;

    private protected override AeadKey OpenKeyCore(ReadOnlySpan<byte> material) => new Key(material);

    private sealed class Key(ReadOnlySpan<byte> material) : AeadKey(XAes256Gcm.NonceLength)
    {
        private readonly XAes256Gcm _xaes = new(material);

        private protected override void EncryptCore(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext,
            Span<byte> ciphertext, Span<byte> tag, ReadOnlySpan<byte> associatedData) =>
            _xaes.Encrypt(nonce, plaintext, ciphertext, tag, associatedData);

        private protected override bool TryDecryptCore(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> ciphertext,
            ReadOnlySpan<byte> tag, Span<byte> plaintext, ReadOnlySpan<byte> associatedData) =>
            _xaes.TryDecrypt(nonce, ciphertext, tag, plaintext, associatedData);

        private protected override void DisposeCore() => _xaes.Dispose();
    }
}

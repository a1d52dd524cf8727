using System.Security.Cryptography;

namespace OrleansKms.Grains.Cryptography.Aead;

/// <summary>
/// An AES-GCM key (SP 800-38D) of either length on the platform's implementation. The expanded key lives only in native memory,
/// which the platform cleanses when it frees it.
/// </summary>
internal sealed class AesGcmKey : AeadKey
{
    /// <summary>Nonce length in bytes. GCM hashes a nonce of any other length, which costs security margin.</summary>
    internal const int NonceLength = 12;

    private readonly AesGcm _gcm;

    internal AesGcmKey(ReadOnlySpan<byte> material)
        : base(NonceLength) => _gcm = new AesGcm(material, AeadAlgorithm.TagLength);

    private protected override void EncryptCore(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext,
        Span<byte> ciphertext, Span<byte> tag, ReadOnlySpan<byte> associatedData) =>
        _gcm.Encrypt(nonce, plaintext, ciphertext, tag, associatedData);

    private protected override bool TryDecryptCore(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> ciphertext,
        ReadOnlySpan<byte> tag, Span<byte> plaintext, ReadOnlySpan<byte> associatedData)
    {
        try
        {
            _gcm.Decrypt(nonce, ciphertext, tag, plaintext, associatedData);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
    }

    private protected override void DisposeCore() => _gcm.Dispose();
}

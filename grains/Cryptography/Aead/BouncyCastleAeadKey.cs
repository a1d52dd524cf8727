using System.Buffers;
using Org.BouncyCastle.Crypto;
using Org.BouncyCastle.Crypto.Modes;
using Org.BouncyCastle.Crypto.Parameters;

namespace OrleansKms.Grains.Cryptography.Aead;

/// <summary>
/// A key of an AEAD that the platform lacks, on BouncyCastle's implementation. The key itself is in pinned memory that is zeroed;
/// BouncyCastle copies it for each message, with what it derives from it, into managed memory that nothing can erase: the collector
/// reuses that memory soon, since the copies live no longer than the message.
/// </summary>
/// <param name="material">The key.</param>
/// <param name="nonceLength">The algorithm's nonce length in bytes.</param>
/// <param name="newCipher">Makes the cipher for one message.</param>
internal sealed class BouncyCastleAeadKey(ReadOnlySpan<byte> material, int nonceLength, Func<IAeadCipher> newCipher) : AeadKey(nonceLength)
{
    private readonly SecretBytes _material = SecretBytes.CopyOf(material);

    private protected override void EncryptCore(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plaintext,
        Span<byte> ciphertext, Span<byte> tag, ReadOnlySpan<byte> associatedData)
    {
        var cipher = Begin(forEncryption: true, nonce, associatedData);

        // BouncyCastle writes ciphertext and tag as one. Neither is secret, so the buffer is not cleared.
        var length = plaintext.Length + tag.Length;
        var rented = ArrayPool<byte>.Shared.Rent(length);
        var both = rented.AsSpan(0, length);
        var written = cipher.ProcessBytes(plaintext, both);
        written += cipher.DoFinal(both[written..]);
        if (written != length)
        {
            throw new InvalidOperationException("internal error: the ciphertext has the wrong length.");
        }

        both[..^tag.Length].CopyTo(ciphertext);
        both[^tag.Length..].CopyTo(tag);
        ArrayPool<byte>.Shared.Return(rented);
    }

    private protected override bool TryDecryptCore(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> ciphertext,
        ReadOnlySpan<byte> tag, Span<byte> plaintext, ReadOnlySpan<byte> associatedData)
    {
        var cipher = Begin(forEncryption: false, nonce, associatedData);
        try
        {
            var written = cipher.ProcessBytes(ciphertext, plaintext);
            written += cipher.ProcessBytes(tag, plaintext[written..]);
            written += cipher.DoFinal(plaintext[written..]);
            return written == plaintext.Length;
        }
        catch (InvalidCipherTextException)
        {
            return false;
        }
    }

    private protected override void DisposeCore() => _material.Dispose();

    private IAeadCipher Begin(bool forEncryption, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> associatedData)
    {
        var cipher = newCipher();
        cipher.Init(forEncryption, new ParametersWithIV(new KeyParameter(_material.Span), nonce));
        cipher.ProcessAadBytes(associatedData);
        return cipher;
    }
}

using System.Security.Cryptography;

namespace OrleansKms.Grains.Cryptography.Importing;

/// <summary>
/// How material is wrapped on its way in and out: an AES key of 256 bits under RSA-OAEP (RFC 8017, 7.1; SHA-256, MGF1 with SHA-256, no
/// label), then the material under AES-KWP (RFC 5649, SP 800-38F) with that key. Others call it RSA_AES_KEY_WRAP_SHA_256.
/// </summary>
internal static class MaterialWrapping
{
    private const int KeyLength = 32;

    private static RSAEncryptionPadding Padding => RSAEncryptionPadding.OaepSHA256;

    /// <summary>Wraps material.</summary>
    /// <param name="publicKey">Whom it is for.</param>
    /// <param name="material">The material; 1 byte or more.</param>
    public static byte[] Wrap(RSA publicKey, ReadOnlySpan<byte> material)
    {
        using var key = SecretBytes.Random(KeyLength);
        using var aes = AesOf(key);
        var modulus = publicKey.KeySize / 8;
        var wrapped = new byte[modulus + Aes.GetKeyWrapPaddedLength(material.Length)];
        if (!publicKey.TryEncrypt(key.Span, wrapped.AsSpan(0, modulus), Padding, out var written) || written != modulus)
        {
            throw new CryptographicException("internal error: an RSA ciphertext is as long as the modulus.");
        }

        aes.EncryptKeyWrapPadded(material, wrapped.AsSpan(modulus));
        return wrapped;
    }

    /// <summary>Unwraps material. Never throws because of it.</summary>
    /// <param name="privateKey">The key that it was wrapped for.</param>
    /// <param name="wrapped">May be anything.</param>
    /// <returns>The material, which the caller disposes; null, whatever is wrong with it.</returns>
    /// <remarks>
    /// What fails under RSA goes on with a random key and fails under AES, so that neither the answer nor much of its time tells where.
    /// Whoever could tell, and could ask a million times under one key, would learn the plaintext (Bleichenbacher; Manger for OAEP): so a
    /// private key serves for one call only.
    /// </remarks>
    public static SecretBytes? Unwrap(RSA privateKey, ReadOnlySpan<byte> wrapped)
    {
        var modulus = privateKey.KeySize / 8;

        // RFC 5649, 3: at least two blocks, and whole ones.
        if (wrapped.Length - modulus is < 16 || (wrapped.Length - modulus) % 8 != 0)
        {
            return null;
        }

        using var key = SecretBytes.Random(KeyLength);
        using var room = new SecretBytes(modulus);
        try
        {
            if (privateKey.TryDecrypt(wrapped[..modulus], room.Span, Padding, out var length) && length == KeyLength)
            {
                room.Span[..KeyLength].CopyTo(key.Span);
            }
        }
        catch (CryptographicException)
        {
            // The random key stays.
        }

        using var aes = AesOf(key);
        using var padded = new SecretBytes(wrapped.Length - modulus - 8);
        try
        {
            return aes.TryDecryptKeyWrapPadded(wrapped[modulus..], padded.Span, out var length) && length > 0
                ? SecretBytes.CopyOf(padded.Span[..length])
                : null;
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    private static Aes AesOf(SecretBytes key)
    {
        var aes = Aes.Create();
        aes.SetKey(key.Span);
        return aes;
    }
}

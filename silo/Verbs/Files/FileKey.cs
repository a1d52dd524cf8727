using System.Security.Cryptography;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Cryptography.Aead;

namespace OrleansKms.Silo.Verbs.Files;

/// <summary>
/// The secret of one file, which each recipient's key encrypts. The keys of the header and of the chunks are derived from it by
/// HKDF-SHA-256 (RFC 5869), so that none of them does two jobs.
/// </summary>
internal sealed class FileKey : IDisposable
{
    /// <summary>Its length in bytes.</summary>
    public const int Length = 32;

    private readonly SecretBytes _bytes;

    private FileKey(SecretBytes bytes) => _bytes = bytes;

    /// <summary>The secret, for the service that wraps it.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes.Span;

    private static ReadOnlySpan<byte> HeaderInfo => "okms-file/1 header"u8;

    private static ReadOnlySpan<byte> PayloadInfo => "okms-file/1 payload"u8;

    /// <summary>A copy of a file key; the caller zeroes the bytes.</summary>
    /// <param name="bytes">What the service unwrapped.</param>
    /// <returns>Null for a secret of another length, which is that of no file.</returns>
    public static FileKey? TryCopy(ReadOnlySpan<byte> bytes) => bytes.Length == Length ? new(SecretBytes.CopyOf(bytes)) : null;

    /// <summary>Computes a header's MAC: HMAC-SHA-256.</summary>
    /// <param name="header">The header up to its MAC.</param>
    /// <returns>32 bytes.</returns>
    public byte[] MacOf(ReadOnlySpan<byte> header)
    {
        using var key = new SecretBytes(SHA256.HashSizeInBytes);
        HKDF.DeriveKey(HashAlgorithmName.SHA256, _bytes.Span, key.Span, salt: [], HeaderInfo);
        return HMACSHA256.HashData(key.Span, header);
    }

    /// <summary>Opens the key of the chunks.</summary>
    /// <param name="cipher">Their cipher, for which alone the key is.</param>
    /// <param name="salt">The salt of the header, which makes the key one of this file even if two shared a file key.</param>
    public AeadKey OpenPayloadKey(FileCipher cipher, ReadOnlySpan<byte> salt)
    {
        using var key = new SecretBytes(cipher.Algorithm.MaterialLength);
        HKDF.DeriveKey(HashAlgorithmName.SHA256, _bytes.Span, key.Span, salt, [.. PayloadInfo, cipher.Id]);
        return cipher.Algorithm.OpenKey(key.Span);
    }

    /// <summary>Zeroes the secret.</summary>
    public void Dispose() => _bytes.Dispose();
}

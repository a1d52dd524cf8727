using System.Security.Cryptography;

namespace OrleansKms.Grains.Cryptography.Signatures;

/// <summary>Private keys of the platform as PKCS#8 in memory that is zeroed.</summary>
internal static class Pkcs8
{
    // An RSA key of 4096 bits has some 2,400 bytes.
    private const int MaxLength = 4096;

    /// <summary>Exports a private key.</summary>
    public static SecretBytes Export(AsymmetricAlgorithm key)
    {
        using var room = new SecretBytes(MaxLength);
        if (!key.TryExportPkcs8PrivateKey(room.Span, out var length))
        {
            throw new CryptographicException("internal error: the private key is longer than any should be.");
        }

        var exact = new SecretBytes(length);
        room.Span[..length].CopyTo(exact.Span);
        return exact;
    }

    /// <summary>Imports a private key; false for bytes that are none, or more than one.</summary>
    public static bool TryImport(AsymmetricAlgorithm key, ReadOnlySpan<byte> material)
    {
        try
        {
            key.ImportPkcs8PrivateKey(material, out var read);
            return read == material.Length;
        }
        catch (CryptographicException)
        {
            return false;
        }
    }
}

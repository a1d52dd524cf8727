using System.Security.Cryptography;

namespace OrleansKms.Grains.Cryptography.Importing;

/// <summary>The RSA key that one import is wrapped with.</summary>
/// <param name="Private">The private part (PKCS#8, DER).</param>
/// <param name="Public">The public part (SubjectPublicKeyInfo, DER).</param>
internal sealed record WrappingKey(SecretBytes Private, byte[] Public) : IDisposable
{
    /// <summary>Opens a public key that an export is to be wrapped with.</summary>
    /// <param name="publicKey">Any bytes.</param>
    /// <returns>The key, which the caller disposes; null where they are not an RSA key of a permitted size.</returns>
    public static RSA? OpenPublic(ReadOnlySpan<byte> publicKey)
    {
        var key = RSA.Create();
        try
        {
            key.ImportSubjectPublicKeyInfo(publicKey, out var read);
            if (read == publicKey.Length && key.KeySize is >= KmsLimits.MinWrappingKeyBits and <= KmsLimits.MaxWrappingKeyBits
                && key.KeySize % 8 == 0 && IsSound(key.ExportParameters(includePrivateParameters: false))
                && key.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(publicKey))
            {
                return key;
            }
        }
        catch (CryptographicException)
        {
            // It is none.
        }

        key.Dispose();
        return null;
    }

    /// <summary>Zeroes the private part.</summary>
    public void Dispose() => Private.Dispose();

    // The exponent bounds what an export costs; an even modulus would be no key.
    private static bool IsSound(RSAParameters numbers) => RsaKeyImport.IsExponent(numbers.Exponent) && (numbers.Modulus![^1] & 1) == 1;
}

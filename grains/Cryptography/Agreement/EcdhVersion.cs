using System.Security.Cryptography;

namespace OrleansKms.Grains.Cryptography.Agreement;

/// <summary>
/// One version of a key of ECDH (SP 800-56A, 5.7.1.2) on a curve of NIST, in this process, on the platform's implementation. The shared
/// secret is the x-coordinate, as long as the field.
/// </summary>
internal sealed class EcdhVersion : IAgrees
{
    private readonly string _curve;
    private readonly int _fieldLength;
    private readonly ECDiffieHellman _key = ECDiffieHellman.Create();

    /// <summary>Opens a version.</summary>
    /// <param name="version">The key version; 1 or more.</param>
    /// <param name="curve">The curve's object identifier.</param>
    /// <param name="fieldLength">Length of a coordinate in bytes.</param>
    /// <param name="material">The private key (PKCS#8); do not keep it.</param>
    /// <exception cref="CryptographicException">The platform rejects the material.</exception>
    internal EcdhVersion(int version, string curve, int fieldLength, ReadOnlySpan<byte> material)
    {
        (Version, _curve, _fieldLength) = (version, curve, fieldLength);
        try
        {
            _key.ImportPkcs8PrivateKey(material, out _);
        }
        catch
        {
            _key.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public int Version { get; }

    /// <inheritdoc/>
    public bool IsAvailable => true;

    /// <inheritdoc/>
    public ValueTask<SecretBytes?> Agree(ReadOnlyMemory<byte> publicKey) => new(Agree(publicKey.Span));

    /// <summary>Erases the key, as far as the platform can.</summary>
    public void Dispose() => _key.Dispose();

    private SecretBytes? Agree(ReadOnlySpan<byte> publicKey)
    {
        if (!EcPublicPoint.TryRead(publicKey, _curve, _fieldLength, out var point))
        {
            return null;
        }

        try
        {
            // The platform refuses a point that is not on the curve; these curves have no small subgroups.
            using var other = ECDiffieHellman.Create(new ECParameters { Curve = ECCurve.CreateFromValue(_curve), Q = point });
            using var theirs = other.PublicKey;
            var secret = _key.DeriveRawSecretAgreement(theirs);
            var kept = SecretBytes.CopyOf(secret);
            CryptographicOperations.ZeroMemory(secret);
            return kept;
        }
        catch (CryptographicException)
        {
            return null;
        }
    }
}

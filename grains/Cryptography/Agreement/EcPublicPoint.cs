using System.Formats.Asn1;
using System.Security.Cryptography;

namespace OrleansKms.Grains.Cryptography.Agreement;

/// <summary>
/// The point of a public key of a named curve (RFC 5480, 2). Only one form is read: strict DER, the curve by its name, the point
/// uncompressed. Libraries differ in what else they take, such as curves that the key itself describes (CVE-2020-0601).
/// </summary>
internal static class EcPublicPoint
{
    /// <summary>The object identifier of keys of elliptic curves.</summary>
    internal const string EcPublicKey = "1.2.840.10045.2.1";

    /// <summary>How an uncompressed point begins (SEC 1, 2.3.3).</summary>
    internal const byte Uncompressed = 4;

    /// <summary>Reads a point that is on the curve.</summary>
    /// <param name="publicKey">SubjectPublicKeyInfo; may be anything.</param>
    /// <param name="curve">The curve's object identifier.</param>
    /// <param name="fieldLength">Length of a coordinate in bytes.</param>
    /// <param name="point">The point.</param>
    public static bool TryReadSound(ReadOnlySpan<byte> publicKey, string curve, int fieldLength, out ECPoint point)
    {
        if (!TryRead(publicKey, curve, fieldLength, out point))
        {
            return false;
        }

        try
        {
            // The platform refuses a point that is not on the curve; these curves have no small subgroups.
            using var key = ECDiffieHellman.Create(new ECParameters { Curve = ECCurve.CreateFromValue(curve), Q = point });
            return true;
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    /// <summary>Reads a point; whether it is on the curve is for the platform to check.</summary>
    /// <param name="publicKey">SubjectPublicKeyInfo; may be anything.</param>
    /// <param name="curve">The curve's object identifier.</param>
    /// <param name="fieldLength">Length of a coordinate in bytes.</param>
    /// <param name="point">The point.</param>
    public static bool TryRead(ReadOnlySpan<byte> publicKey, string curve, int fieldLength, out ECPoint point)
    {
        point = default;
        try
        {
            var reader = new AsnReader(publicKey.ToArray(), AsnEncodingRules.DER);
            var info = reader.ReadSequence();
            reader.ThrowIfNotEmpty();
            var algorithm = info.ReadSequence();
            if (algorithm.ReadObjectIdentifier() != EcPublicKey || algorithm.ReadObjectIdentifier() != curve)
            {
                return false;
            }

            algorithm.ThrowIfNotEmpty();
            var encoded = info.ReadBitString(out var unusedBits);
            info.ThrowIfNotEmpty();
            if (unusedBits != 0 || encoded.Length != 1 + (2 * fieldLength) || encoded[0] != Uncompressed)
            {
                return false;
            }

            point = new() { X = encoded[1..(1 + fieldLength)], Y = encoded[(1 + fieldLength)..] };
            return true;
        }
        catch (AsnContentException)
        {
            return false;
        }
    }
}

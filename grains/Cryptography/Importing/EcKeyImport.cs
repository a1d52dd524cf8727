using System.Formats.Asn1;
using System.Security.Cryptography;
using OrleansKms.Grains.Cryptography.Agreement;
using OrleansKms.Grains.Cryptography.Signatures;

namespace OrleansKms.Grains.Cryptography.Importing;

/// <summary>
/// Keys of elliptic curves from outside: PKCS#8 or an ECPrivateKey alone (RFC 5915, SEC 1, C.4), and SubjectPublicKeyInfo (RFC 5480), all
/// on a named curve and in DER.
/// </summary>
internal static class EcKeyImport
{
    /// <summary>Checks a private key and puts it in the form of material that was made here.</summary>
    /// <param name="material">Any bytes.</param>
    /// <param name="curve">The curve's object identifier.</param>
    /// <param name="fieldLength">Length of a coordinate, and of a private key, in bytes.</param>
    /// <returns>The material, which the caller disposes; null where the bytes are not a private key of the curve.</returns>
    /// <remarks>
    /// The platform refuses a number that is zero or not below the order, a point that is not on the curve, and one that is not that of
    /// the number (EC_KEY_check_key).
    /// </remarks>
    public static SecretBytes? Private(ReadOnlySpan<byte> material, string curve, int fieldLength)
    {
        var number = GC.AllocateArray<byte>(fieldLength, pinned: true);
        try
        {
            var parameters = new ECParameters { Curve = ECCurve.CreateFromValue(curve) };
            if (!TryRead(material, curve, fieldLength, number, out var point))
            {
                return null;
            }

            parameters.D = number;
            if (point.Length > 0)
            {
                parameters.Q = new() { X = point[1..(1 + fieldLength)], Y = point[(1 + fieldLength)..] };
            }

            using var key = ECDsa.Create(parameters);
            return Pkcs8.Export(key);
        }
        catch (CryptographicException)
        {
            return null;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(number);
        }
    }

    /// <summary>Whether bytes are a public key of the curve, in the one form that has an uncompressed point.</summary>
    public static bool IsPublic(ReadOnlySpan<byte> publicKey, string curve, int fieldLength)
    {
        if (!EcPublicPoint.TryRead(publicKey, curve, fieldLength, out var point))
        {
            return false;
        }

        try
        {
            using var key = ECDsa.Create(new ECParameters { Curve = ECCurve.CreateFromValue(curve), Q = point });
            return key.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(publicKey);
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    private static bool TryRead(ReadOnlySpan<byte> material, string curve, int fieldLength, Span<byte> number, out byte[] point)
    {
        point = [];
        try
        {
            // Both begin with a version; what follows in PKCS#8 is a sequence.
            var isAlone = IsAlone(material);
            var inner = material;
            if (!isAlone)
            {
                var info = PrivateKeyInfo.Read(material);
                var parameters = info.Parameters;
                if (info.Algorithm != EcPublicPoint.EcPublicKey || parameters.ObjectIdentifier() != curve || !parameters.IsEmpty || info.PublicKey.Length > 0)
                {
                    return false;
                }

                inner = info.Key;
            }

            return TryReadKey(inner, curve, fieldLength, mustNameCurve: isAlone, number, out point);
        }
        catch (AsnContentException)
        {
            return false;
        }
    }

    private static bool IsAlone(ReadOnlySpan<byte> material)
    {
        var outer = new DerReader(material);
        var content = outer.Sequence();
        content.Natural();
        return content.IsNextUniversal(UniversalTagNumber.OctetString);
    }

    private static bool TryReadKey(
        ReadOnlySpan<byte> der, string curve, int fieldLength, bool mustNameCurve, Span<byte> number, out byte[] point)
    {
        point = [];
        var outer = new DerReader(der);
        var key = outer.Sequence();
        outer.End();
        if (key.Natural() is not [1] || key.OctetString() is var d && d.Length != fieldLength)
        {
            return false;
        }

        d.CopyTo(number);
        if (key.IsNext(0))
        {
            var parameters = key.Sequence(new Asn1Tag(TagClass.ContextSpecific, 0));
            if (parameters.ObjectIdentifier() != curve || !parameters.IsEmpty)
            {
                return false;
            }
        }
        else if (mustNameCurve)
        {
            return false;
        }

        if (key.IsNext(1))
        {
            var tagged = key.Sequence(new Asn1Tag(TagClass.ContextSpecific, 1));
            var encoded = tagged.Bytes();
            if (!tagged.IsEmpty || encoded.Length != 1 + (2 * fieldLength) || encoded[0] != EcPublicPoint.Uncompressed)
            {
                return false;
            }

            point = encoded.ToArray();
        }

        return key.IsEmpty;
    }
}

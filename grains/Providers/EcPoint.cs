using System.Formats.Asn1;
using System.Security.Cryptography;

namespace OrleansKms.Grains.Providers;

/// <summary>How tokens name curves and show points.</summary>
internal static class EcPoint
{
    /// <summary>The first byte of an uncompressed point (SEC 1, 2.3.3).</summary>
    public const byte Uncompressed = 4;

    /// <summary>CKA_EC_PARAMS that name a curve by its object identifier.</summary>
    public static byte[] CurveOid(string oid)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        writer.WriteObjectIdentifier(oid);
        return writer.Encode();
    }

    /// <summary>CKA_EC_PARAMS that name a curve in words (PKCS#11 v3.0, 2.3.5).</summary>
    public static byte[] CurveName(string name)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        writer.WriteCharacterString(UniversalTagNumber.PrintableString, name);
        return writer.Encode();
    }

    /// <summary>
    /// The point in CKA_EC_POINT: v2.40 wants an octet string in DER, and some tokens show what is in it, as v3.0 does for Edwards curves.
    /// </summary>
    /// <exception cref="CryptographicException">It is neither.</exception>
    public static byte[] Unwrap(byte[] shown, int length)
    {
        if (shown.Length == length)
        {
            return shown;
        }

        try
        {
            var point = AsnDecoder.ReadOctetString(shown, AsnEncodingRules.DER, out var read);
            return point.Length == length && read == shown.Length ? point : throw new CryptographicException("The point has another length.");
        }
        catch (AsnContentException e)
        {
            throw new CryptographicException("The point is not an octet string.", e);
        }
    }
}

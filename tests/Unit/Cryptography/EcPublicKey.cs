using System.Formats.Asn1;

namespace OrleansKms.Tests.Unit.Cryptography;

/// <summary>Public keys on elliptic curves as anybody may send them, whatever their point is.</summary>
internal static class EcPublicKey
{
    /// <summary>A SubjectPublicKeyInfo (RFC 5480).</summary>
    /// <param name="curve">The curve's object identifier.</param>
    /// <param name="point">What stands in the place of the point.</param>
    internal static byte[] Spki(string curve, byte[] point)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            using (writer.PushSequence())
            {
                writer.WriteObjectIdentifier("1.2.840.10045.2.1");
                writer.WriteObjectIdentifier(curve);
            }

            writer.WriteBitString(point);
        }

        return writer.Encode();
    }
}

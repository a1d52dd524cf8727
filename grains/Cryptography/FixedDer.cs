using System.Formats.Asn1;

namespace OrleansKms.Grains.Cryptography;

/// <summary>
/// A DER structure in which only the last bytes differ: the PKCS#8 and SubjectPublicKeyInfo of algorithms whose keys are strings of
/// one length. There is one encoding of each, and anything else is refused.
/// </summary>
internal sealed class FixedDer
{
    private readonly byte[] _prefix;
    private readonly int _length;

    private FixedDer(byte[] zeros, int length)
    {
        _prefix = zeros[..^length];
        _length = length;
    }

    /// <summary>Length in bytes.</summary>
    public int Length => _prefix.Length + _length;

    /// <summary>A PrivateKeyInfo without attributes (RFC 5958, 2).</summary>
    /// <param name="oid">The algorithm, without parameters.</param>
    /// <param name="length">Length of the key.</param>
    /// <param name="inner">The tag under which the key stands in the octet string; null for itself.</param>
    public static FixedDer PrivateKeyInfo(string oid, int length, Asn1Tag? inner)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteInteger(0);
            WriteAlgorithm(writer, oid);
            if (inner is { } tag)
            {
                using (writer.PushOctetString())
                {
                    writer.WriteOctetString(new byte[length], tag);
                }
            }
            else
            {
                writer.WriteOctetString(new byte[length]);
            }
        }

        return new(writer.Encode(), length);
    }

    /// <summary>A SubjectPublicKeyInfo (RFC 5280, 4.1.2.7).</summary>
    /// <param name="oid">The algorithm, without parameters.</param>
    /// <param name="length">Length of the key.</param>
    public static FixedDer PublicKeyInfo(string oid, int length)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            WriteAlgorithm(writer, oid);
            writer.WriteBitString(new byte[length]);
        }

        return new(writer.Encode(), length);
    }

    /// <summary>Whether bytes are such a structure.</summary>
    public bool Fits(ReadOnlySpan<byte> der) => der.Length == Length && der.StartsWith(_prefix);

    /// <summary>The key in a structure.</summary>
    /// <param name="der">One that <see cref="Fits"/>.</param>
    public ReadOnlySpan<byte> KeyIn(ReadOnlySpan<byte> der) => der[_prefix.Length..];

    /// <summary>The place of the key in a structure, the rest of which this writes.</summary>
    /// <param name="der">Exactly <see cref="Length"/> bytes.</param>
    public Span<byte> Begin(Span<byte> der)
    {
        _prefix.CopyTo(der);
        return der[_prefix.Length..];
    }

    private static void WriteAlgorithm(AsnWriter writer, string oid)
    {
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(oid);
        }
    }
}

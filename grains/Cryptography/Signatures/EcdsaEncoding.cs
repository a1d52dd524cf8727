using System.Formats.Asn1;

namespace OrleansKms.Grains.Cryptography.Signatures;

/// <summary>The two encodings of ECDSA signatures: Ecdsa-Sig-Value in DER (RFC 3279, 2.2.3), and r and s side by side (IEEE P1363).</summary>
internal static class EcdsaEncoding
{
    /// <summary>The longest P1363 signature: that of P-521.</summary>
    public const int MaxLength = 2 * 66;

    /// <summary>Reads DER, and nothing else: no BER, no leading zeros, no negative or overlong number, nothing behind it.</summary>
    /// <param name="der">The signature; may be anything.</param>
    /// <param name="halves">Receives r and s side by side.</param>
    public static bool TryReadDer(ReadOnlySpan<byte> der, Span<byte> halves)
    {
        try
        {
            AsnDecoder.ReadSequence(der, AsnEncodingRules.DER, out var offset, out var length, out var read);
            if (read != der.Length)
            {
                return false;
            }

            var content = der.Slice(offset, length);
            var r = AsnDecoder.ReadIntegerBytes(content, AsnEncodingRules.DER, out var first);
            var s = AsnDecoder.ReadIntegerBytes(content[first..], AsnEncodingRules.DER, out var second);
            return first + second == content.Length
                && TryCopy(r, halves[..(halves.Length / 2)])
                && TryCopy(s, halves[(halves.Length / 2)..]);
        }
        catch (AsnContentException)
        {
            return false;
        }
    }

    /// <summary>Writes DER.</summary>
    /// <param name="halves">r and s side by side.</param>
    public static byte[] ToDer(ReadOnlySpan<byte> halves)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteIntegerUnsigned(halves[..(halves.Length / 2)].TrimStart((byte)0) is { IsEmpty: false } r ? r : [0]);
            writer.WriteIntegerUnsigned(halves[(halves.Length / 2)..].TrimStart((byte)0) is { IsEmpty: false } s ? s : [0]);
        }

        return writer.Encode();
    }

    private static bool TryCopy(ReadOnlySpan<byte> number, Span<byte> half)
    {
        if ((number[0] & 0x80) != 0)
        {
            return false;
        }

        var digits = number.TrimStart((byte)0);
        if (digits.Length > half.Length)
        {
            return false;
        }

        half.Clear();
        digits.CopyTo(half[(half.Length - digits.Length)..]);
        return true;
    }
}

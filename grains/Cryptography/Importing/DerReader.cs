using System.Formats.Asn1;

namespace OrleansKms.Grains.Cryptography.Importing;

/// <summary>
/// Reads DER from secret bytes where they are, without copying them. Anything that is not the one encoding of its value is refused
/// (X.690, 10 and 11), with an <see cref="AsnContentException"/>.
/// </summary>
internal ref struct DerReader(ReadOnlySpan<byte> bytes)
{
    private const AsnEncodingRules Rules = AsnEncodingRules.DER;

    private ReadOnlySpan<byte> _rest = bytes;

    /// <summary>Whether everything was read.</summary>
    public readonly bool IsEmpty => _rest.IsEmpty;

    /// <summary>Whether the next value has a context-specific tag.</summary>
    public readonly bool IsNext(int number) =>
        !IsEmpty && Asn1Tag.Decode(_rest, out _).HasSameClassAndValue(new(TagClass.ContextSpecific, number));

    /// <summary>Whether the next value has a universal tag.</summary>
    public readonly bool IsNextUniversal(UniversalTagNumber number) =>
        !IsEmpty && Asn1Tag.Decode(_rest, out _).HasSameClassAndValue(new(number));

    /// <summary>Reads a SEQUENCE.</summary>
    /// <param name="tag">Its tag if it is not its own; also that of an explicitly tagged value.</param>
    public DerReader Sequence(Asn1Tag? tag = null)
    {
        AsnDecoder.ReadSequence(_rest, Rules, out var offset, out var length, out var read, tag);
        var content = new DerReader(_rest.Slice(offset, length));
        _rest = _rest[read..];
        return content;
    }

    /// <summary>Reads an INTEGER that is not negative: its bytes, big endian, without leading zeros but for zero itself.</summary>
    public ReadOnlySpan<byte> Natural()
    {
        var value = AsnDecoder.ReadIntegerBytes(_rest, Rules, out var read);
        _rest = _rest[read..];
        if ((value[0] & 0x80) != 0)
        {
            throw new AsnContentException();
        }

        return value.Length > 1 && value[0] == 0 ? value[1..] : value;
    }

    /// <summary>Reads an OBJECT IDENTIFIER.</summary>
    public string ObjectIdentifier()
    {
        var value = AsnDecoder.ReadObjectIdentifier(_rest, Rules, out var read);
        _rest = _rest[read..];
        return value;
    }

    /// <summary>Reads an OCTET STRING.</summary>
    /// <param name="tag">Its tag if it is not its own.</param>
    public ReadOnlySpan<byte> OctetString(Asn1Tag? tag = null)
    {
        if (!AsnDecoder.TryReadPrimitiveOctetString(_rest, Rules, out var value, out var read, tag))
        {
            throw new AsnContentException();
        }

        _rest = _rest[read..];
        return value;
    }

    /// <summary>Reads a BIT STRING of whole bytes.</summary>
    /// <param name="tag">Its tag if it is not its own.</param>
    public ReadOnlySpan<byte> Bytes(Asn1Tag? tag = null)
    {
        if (!AsnDecoder.TryReadPrimitiveBitString(_rest, Rules, out var unused, out var value, out var read, tag) || unused != 0)
        {
            throw new AsnContentException();
        }

        _rest = _rest[read..];
        return value;
    }

    /// <summary>Reads a NULL.</summary>
    public void Null()
    {
        AsnDecoder.ReadNull(_rest, Rules, out var read);
        _rest = _rest[read..];
    }

    /// <summary>Skips one value.</summary>
    public void Skip()
    {
        AsnDecoder.ReadEncodedValue(_rest, Rules, out _, out _, out var read);
        _rest = _rest[read..];
    }

    /// <summary>Requires that nothing follows.</summary>
    public readonly void End()
    {
        if (!IsEmpty)
        {
            throw new AsnContentException();
        }
    }
}

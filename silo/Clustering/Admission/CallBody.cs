namespace OrleansKms.Silo.Clustering.Admission;

/// <summary>
/// Reads the structure of a call's arguments before Orleans makes objects of them: how deep they nest, and which types they name.
/// A type that the arguments of our calls do not need is not made, whatever making it would do; and nesting without end would end
/// the process, since it is read by recursion.
/// </summary>
/// <param name="types">The types that may be named, encoded as <see cref="WireFormat.Type"/> does.</param>
/// <param name="wellKnownTypes">The numbers of the types that may be named by number.</param>
internal sealed class CallBody(IReadOnlyList<byte[]> types, IReadOnlyList<uint> wellKnownTypes)
{
    private const int MaxDepth = 16;
    private const byte WireTypeMask = 0xe0;
    private const byte SchemaMask = 0x18;
    private const byte FieldIdMask = 7;

    private readonly byte[][] _types = [.. types];
    private readonly uint[] _wellKnownTypes = [.. wellKnownTypes];

    /// <summary>Whether the rest of a body, behind the type of the call, is well-formed and names no other types.</summary>
    public bool Allows(ref WireReader reader)
    {
        for (var depth = 1; depth > 0;)
        {
            if (!reader.TryReadByte(out var tag)) return false;
            if (tag == WireFormat.EndObject)
            {
                depth--;
                continue;
            }
            if (tag == WireFormat.EndBaseFields) continue;
            var isObject = (tag & WireTypeMask) == WireFormat.TagDelimited;
            if (isObject && ++depth > MaxDepth) return false;
            if (!TrySkipHeader(ref reader, tag) || !(isObject || TrySkipValue(ref reader, tag))) return false;
        }
        return reader.IsAtEnd;
    }

    private bool TrySkipHeader(ref WireReader reader, byte tag)
    {
        if ((tag & WireTypeMask) == WireTypeMask) return false;
        if ((tag & FieldIdMask) == FieldIdMask && !reader.TryReadVarUInt32(out _)) return false;
        return (tag & SchemaMask) switch
        {
            0 => true,
            WireFormat.WellKnownType => reader.TryReadVarUInt32(out var number) && Array.IndexOf(_wellKnownTypes, number) >= 0,
            WireFormat.EncodedType => TrySkipType(ref reader),
            // One that was named before, and so allowed.
            _ => reader.TryReadVarUInt32(out _),
        };
    }

    private bool TrySkipType(ref WireReader reader)
    {
        foreach (var type in _types)
        {
            if (reader.TrySkip(type)) return true;
        }
        return false;
    }

    private static bool TrySkipValue(ref WireReader reader, byte tag) => (tag & WireTypeMask) switch
    {
        // A number, and a reference to an object that came before.
        0x00 or 0xc0 => reader.TrySkipVarUInt64(),
        0x40 => reader.TryReadVarUInt32(out var length) && reader.TrySkip(length),
        0x60 => reader.TrySkip(4),
        0x80 => reader.TrySkip(8),
        _ => false,
    };
}

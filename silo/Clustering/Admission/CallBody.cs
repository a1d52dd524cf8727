using System.Runtime.CompilerServices;

namespace OrleansKms.Silo.Clustering.Admission;

/// <summary>
/// Checks the structure of a call's arguments before Orleans makes objects of them: how deep they nest, and which types they
/// name. A type that the arguments of our calls do not need is not made, whatever making it would do; and unbounded nesting would
/// crash the process, since it is read by recursion. Nor may a few bytes demand much memory: Orleans allocates as many elements
/// as a collection claims, up to one for each remaining byte, so each type is named once and counts must fit what follows.
/// </summary>
/// <param name="types">The types that may be named, encoded as <see cref="WireFormat.Type"/> does.</param>
/// <param name="wellKnownTypes">The numbers of the types that may be named by number.</param>
/// <param name="countsOnly">
/// Whether all numbers in it are counts; otherwise only those in an object whose type is written out.
/// </param>
internal sealed class CallBody(IReadOnlyList<byte[]> types, IReadOnlyList<uint> wellKnownTypes, bool countsOnly = false)
{
    /// <summary>
    /// Numbers in a collection that are not counts (a comparer's culture) are smaller; allocating this many costs little.
    /// </summary>
    private const uint MaxFreeCount = 1 << 17;

    /// <summary>No element of ours is shorter, including its field header.</summary>
    private const int MinElementBytes = 4;

    /// <summary>For this many fields, the reader tracks which may be referred to; a batch of a thousand has fewer.</summary>
    private const int MaxReferences = 8192;

    private const int MaxDepth = 16;
    private const int LengthPrefixed = 0x40;
    private const int Reference = 0xc0;
    private const byte WireTypeMask = 0xe0;
    private const byte SchemaMask = 0x18;
    private const byte FieldIdMask = 7;

    private readonly byte[][] _types = [.. types];
    private readonly uint[] _wellKnownTypes = [.. wellKnownTypes];

    /// <summary>Whether the rest of a body, after the type of the call, is well-formed and names no other types.</summary>
    public bool Allows(ref WireReader reader)
    {
        var walk = new Walk(countsOnly);
        while (walk.Depth > 0)
        {
            if (!reader.TryReadByte(out var tag)) return false;
            if (tag == WireFormat.EndObject) walk.Leave();
            else if (tag != WireFormat.EndBaseFields && !TrySkipField(ref reader, tag, ref walk)) return false;
        }
        return reader.IsAtEnd;
    }

    private bool TrySkipField(ref WireReader reader, byte tag, ref Walk walk)
    {
        var wireType = tag & WireTypeMask;
        if (!walk.Enter(wireType) || !TrySkipHeader(ref reader, tag, ref walk)) return false;
        return wireType switch
        {
            WireFormat.TagDelimited => true,
            0x00 when walk.IsCount => TrySkipCount(ref reader),
            0x00 => reader.TrySkipVarUInt64(),
            LengthPrefixed => reader.TryReadVarUInt32(out var length) && reader.TrySkip(length),
            // Orleans accepts numbers of these widths, too, where it expects a count.
            0x60 => !walk.IsCount && reader.TrySkip(4),
            0x80 => !walk.IsCount && reader.TrySkip(8),
            Reference => reader.TryReadVarUInt32(out var field) && walk.MayRefer(field),
            _ => false,
        };
    }

    private bool TrySkipHeader(ref WireReader reader, byte tag, ref Walk walk)
    {
        if ((tag & WireTypeMask) == WireTypeMask) return false;
        if ((tag & FieldIdMask) == FieldIdMask && !reader.TryReadVarUInt32(out _)) return false;
        return (tag & SchemaMask) switch
        {
            0 => true,
            WireFormat.WellKnownType => reader.TryReadVarUInt32(out var number) && Array.IndexOf(_wellKnownTypes, number) >= 0,
            WireFormat.EncodedType => (tag & WireTypeMask) == WireFormat.TagDelimited && TrySkipType(ref reader, ref walk),
            // One that was named before: no call of ours needs a type twice.
            _ => false,
        };
    }

    private bool TrySkipType(ref WireReader reader, ref Walk walk)
    {
        for (var i = 0; i < _types.Length; i++)
        {
            if (reader.TrySkip(_types[i])) return walk.Name(i);
        }
        return false;
    }

    private static bool TrySkipCount(ref WireReader reader) =>
        reader.TryReadVarUInt32(out var count) && (count <= MaxFreeCount || count <= reader.Remaining / MinElementBytes);

    /// <summary>Where in a body we are. Orleans numbers its fields from 1, which is the call, and a reference has such a number.</summary>
    private struct Walk(bool countsOnly)
    {
        private Bits _referable;
        private Openings _openings;
        private uint _field = 1;
        private int _named;
        private int _counted = countsOnly ? 1 : int.MaxValue;

        public int Depth { get; private set; } = 1;

        /// <summary>Whether a number here may be an element count.</summary>
        public readonly bool IsCount => Depth >= _counted;

        public bool Enter(int wireType)
        {
            _field++;
            _openings[Depth] = 0;
            if (wireType == LengthPrefixed) MayBeReferredTo(_field);
            if (wireType != WireFormat.TagDelimited) return true;
            if (++Depth > MaxDepth) return false;
            _openings[Depth] = _field;
            return true;
        }

        public void Leave()
        {
            // Nothing is in it: an empty array, of which there is only one in a process.
            if (_openings[Depth] is var opening and not 0) MayBeReferredTo(opening);
            if (--Depth < _counted && !countsOnly) _counted = int.MaxValue;
        }

        /// <summary>An object of this type begins.</summary>
        /// <returns>Whether it is the first one.</returns>
        public bool Name(int type)
        {
            if ((_named & (1 << type)) != 0) return false;
            _named |= 1 << type;
            _counted = Math.Min(_counted, Depth);
            return true;
        }

        /// <summary>
        /// A reference to nothing, or to an earlier string, bytes or object without fields. Orleans reads an unknown field when something
        /// refers to it; if something in that field refers to another, Orleans reads at a wrong position, and so reads what was never checked.
        /// </summary>
        public readonly bool MayRefer(uint field) =>
            field == 0 || (field < MaxReferences && (_referable[(int)field / 64] & (1ul << (int)field % 64)) != 0);

        private void MayBeReferredTo(uint field)
        {
            if (field < MaxReferences) _referable[(int)field / 64] |= 1ul << (int)field % 64;
        }
    }

    [InlineArray(MaxReferences / 64)]
    private struct Bits
    {
        private ulong _first;
    }

    /// <summary>For each depth the field that is the object there; 0 once something is in it, and for the call itself.</summary>
    [InlineArray(MaxDepth + 1)]
    private struct Openings
    {
        private uint _first;
    }
}

using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;

namespace OrleansKms.Silo.Clustering.Admission;

/// <summary>
/// Reads the primitives of Orleans' wire format from bytes that a stranger sent. Never allocates and never throws: anything
/// missing or malformed is <c>false</c>.
/// </summary>
internal ref struct WireReader(ReadOnlySequence<byte> bytes)
{
    private SequenceReader<byte> _rest = new(bytes);

    /// <summary>Whether everything was read.</summary>
    public readonly bool IsAtEnd => _rest.End;

    /// <summary>How many bytes are left.</summary>
    public readonly long Remaining => _rest.Remaining;

    /// <summary>One byte.</summary>
    public bool TryReadByte(out byte value) => _rest.TryRead(out value);

    /// <summary>Four bytes, little endian.</summary>
    public bool TryReadInt32(out int value) => _rest.TryReadLittleEndian(out value);

    /// <summary>Eight bytes, little endian.</summary>
    public bool TryReadInt64(out long value) => _rest.TryReadLittleEndian(out value);

    /// <summary>Skips bytes.</summary>
    public bool TrySkip(long count)
    {
        if (count > _rest.Remaining) return false;
        _rest.Advance(count);
        return true;
    }

    /// <summary>Skips bytes if they equal these.</summary>
    public bool TrySkip(scoped ReadOnlySpan<byte> expected) => _rest.IsNext(expected, advancePast: true);

    /// <summary>Copies bytes out and skips them.</summary>
    public bool TryRead(scoped Span<byte> destination)
    {
        if (!_rest.TryCopyTo(destination)) return false;
        _rest.Advance(destination.Length);
        return true;
    }

    /// <summary>
    /// A number of up to 32 bits in one to five bytes: one more than the trailing zeros of the first byte; the value stands above
    /// those bits.
    /// </summary>
    public bool TryReadVarUInt32(out uint value)
    {
        value = 0;
        if (!_rest.TryPeek(out var first)) return false;
        var count = BitOperations.TrailingZeroCount((uint)first | 0x100) + 1;
        if (count > 5) return false;
        Span<byte> bytes = stackalloc byte[8];
        if (!TryRead(bytes[..count])) return false;
        var read = BinaryPrimitives.ReadUInt64LittleEndian(bytes) >> count;
        value = (uint)read;
        return read <= uint.MaxValue;
    }

    /// <summary>Skips a number of up to 64 bits, in one to ten bytes.</summary>
    public bool TrySkipVarUInt64()
    {
        if (!_rest.TryPeek(out var first)) return false;
        if (first != 0) return TrySkip(BitOperations.TrailingZeroCount(first) + 1);
        if (!_rest.TryPeek(1, out var second) || (second & 3) == 0) return false;
        return TrySkip((second & 1) != 0 ? 9 : 10);
    }
}

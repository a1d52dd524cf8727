using System.Buffers.Binary;

namespace OrleansKms.Grains.Sealing;

/// <summary>
/// Identifies a key-encryption key: the first 128 bits of an HMAC-SHA-256 of the KEK, so that an opened KEK proves its id. All
/// zeros means none.
/// </summary>
/// <remarks>Two halves, as in <see cref="Incarnation"/>.</remarks>
/// <param name="High">The first 64 bits.</param>
/// <param name="Low">The last 64 bits.</param>
public readonly record struct KekId(ulong High, ulong Low)
{
    /// <summary>Length in bytes.</summary>
    public const int Length = 16;

    /// <summary>Reads 16 bytes, big endian.</summary>
    public static KekId Read(ReadOnlySpan<byte> bytes) =>
        new(BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[sizeof(ulong)..]));

    /// <summary>Writes 16 bytes, big endian.</summary>
    public void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt64BigEndian(bytes, High);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[sizeof(ulong)..], Low);
    }

    /// <summary>The 16 bytes, big endian.</summary>
    public byte[] ToBytes()
    {
        var bytes = new byte[Length];
        Write(bytes);
        return bytes;
    }

    /// <summary>Reads 32 hexadecimal digits.</summary>
    public static bool TryParse(string text, out KekId id)
    {
        var isId = text.Length == 2 * Length && text.All(char.IsAsciiHexDigitLower);
        id = isId ? Read(Convert.FromHexString(text)) : default;
        return isId;
    }

    /// <summary>32 hexadecimal digits.</summary>
    public override string ToString() => Convert.ToHexStringLower(ToBytes());
}

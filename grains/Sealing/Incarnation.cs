using System.Security.Cryptography;

namespace OrleansKms.Grains.Sealing;

/// <summary>A random 128-bit value made when a key is created; it tells one life of an id from any other.</summary>
/// <param name="Value">The value; all zero means none.</param>
public readonly record struct Incarnation(UInt128 Value)
{
    /// <summary>Length in bytes.</summary>
    public const int Length = 16;

    /// <summary>A new random incarnation.</summary>
    public static Incarnation New()
    {
        Span<byte> bytes = stackalloc byte[Length];
        RandomNumberGenerator.Fill(bytes);
        return Read(bytes);
    }

    /// <summary>Reads 16 bytes, big endian.</summary>
    public static Incarnation Read(ReadOnlySpan<byte> bytes) =>
        new(System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(bytes));

    /// <summary>Writes 16 bytes, big endian.</summary>
    public void Write(Span<byte> bytes) => System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(bytes, Value);
}

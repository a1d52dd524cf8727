using System.Buffers.Binary;
using System.Security.Cryptography;

namespace OrleansKms.Grains.Sealing;

/// <summary>A random 128-bit value made when a key is created; it tells the lives of an id apart. All zeros means none.</summary>
/// <remarks>Two halves, because ahead-of-time compilation leaves out whatever touches a <see cref="UInt128"/>.</remarks>
/// <param name="High">The first 64 bits.</param>
/// <param name="Low">The last 64 bits.</param>
public readonly record struct Incarnation(ulong High, ulong Low)
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
        new(BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[sizeof(ulong)..]));

    /// <summary>Writes 16 bytes, big endian.</summary>
    public void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt64BigEndian(bytes, High);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[sizeof(ulong)..], Low);
    }
}

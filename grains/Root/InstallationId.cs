using System.Buffers.Binary;
using System.Security.Cryptography;

namespace OrleansKms.Grains.Root;

/// <summary>
/// A random 128-bit value made with the first manifest; it tells the KEKs of one installation from any other's.
/// </summary>
/// <remarks>Two halves, as in <see cref="Sealing.Incarnation"/>.</remarks>
/// <param name="High">The first 64 bits.</param>
/// <param name="Low">The last 64 bits.</param>
internal readonly record struct InstallationId(ulong High, ulong Low)
{
    /// <summary>Length in bytes.</summary>
    public const int Length = 16;

    /// <summary>A new random one.</summary>
    public static InstallationId New() => Read(RandomNumberGenerator.GetBytes(Length));

    /// <summary>Reads 16 bytes, big endian.</summary>
    public static InstallationId Read(ReadOnlySpan<byte> bytes) =>
        new(BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[sizeof(ulong)..]));

    /// <summary>The 16 bytes, big endian.</summary>
    public byte[] ToBytes()
    {
        var bytes = new byte[Length];
        Write(bytes);
        return bytes;
    }

    /// <summary>Writes 16 bytes, big endian.</summary>
    public void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt64BigEndian(bytes, High);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[sizeof(ulong)..], Low);
    }
}

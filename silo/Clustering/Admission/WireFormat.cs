using System.Buffers.Binary;
using System.Text;

namespace OrleansKms.Silo.Clustering.Admission;

/// <summary>
/// The parts of Orleans 10.4's wire format that are known here. The tests compare them with what Orleans itself writes; anything
/// else is refused.
/// </summary>
internal static class WireFormat
{
    /// <summary>Header length and body length, 32 bits each, little endian.</summary>
    public const int LengthBytes = 8;

    /// <summary>The header carries entries of the sender's RequestContext.</summary>
    public const uint HasRequestContext = 0x10;

    /// <summary>The header carries the version of the interface.</summary>
    public const uint HasInterfaceVersion = 0x20;

    /// <summary>The header names the interface.</summary>
    public const uint HasInterfaceType = 0x40;

    /// <summary>The header says how long the sender waits.</summary>
    public const uint HasTimeToLive = 0x100;

    /// <summary>Flag bits for what the sender asked for, which each method fixes: read only, interleaving, unordered.</summary>
    public const uint MethodFlags = 0x0e;

    /// <summary>Where the direction is in the flags. Above it are a response's result and its forward count.</summary>
    public const int DirectionShift = 16;

    /// <summary>A call that is answered.</summary>
    public const uint Request = 1;

    private const uint Response = 2;
    private const int ResultShift = 20;
    private const uint Status = 4;
    private const uint FourBits = 0xf;

    /// <summary>Whether a message with these flags is the answer to a call, and no news of one that takes long.</summary>
    public static bool IsAnswer(uint flags) =>
        ((flags >> DirectionShift) & FourBits) == Response && ((flags >> ResultShift) & FourBits) != Status;

    /// <summary>A nested object begins.</summary>
    public const byte TagDelimited = 0x20;

    /// <summary>A nested object ends.</summary>
    public const byte EndObject = 0xe0;

    /// <summary>The fields of a base class end; those of the class itself follow.</summary>
    public const byte EndBaseFields = 0xe8;

    /// <summary>The type of what follows is written out.</summary>
    public const byte EncodedType = 0x10;

    /// <summary>The type of what follows is one with a number.</summary>
    public const byte WellKnownType = 0x08;

    private const byte TypeEncodingVersion = 1;

    /// <summary>A number of up to 32 bits.</summary>
    public static byte[] VarUInt32(uint value)
    {
        var count = value switch { < 1 << 7 => 1, < 1 << 14 => 2, < 1 << 21 => 3, < 1 << 28 => 4, _ => 5 };
        var bytes = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, (((ulong)value << 1) | 1) << (count - 1));
        return bytes[..count];
    }

    /// <summary>An identifier: length, hash, bytes.</summary>
    public static byte[] Id(ReadOnlySpan<byte> bytes) => [.. VarUInt32((uint)bytes.Length), .. Hash(bytes), .. bytes];

    /// <summary>A type by its name: version, hash, length, bytes.</summary>
    public static byte[] Type(string name)
    {
        var bytes = Encoding.UTF8.GetBytes(name);
        return [TypeEncodingVersion, .. Hash(bytes), .. VarUInt32((uint)bytes.Length), .. bytes];
    }

    /// <summary>How the body of a call begins: an object whose type is the method's.</summary>
    public static byte[] Call(string typeName) => [TagDelimited | EncodedType, .. Type(typeName)];

    private static byte[] Hash(ReadOnlySpan<byte> bytes)
    {
        var hash = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(hash, StableHash.ComputeHash(bytes));
        return hash;
    }
}

using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using OrleansKms.Grains.Sealing;

namespace OrleansKms.Grains.Providers;

/// <summary>
/// The CKA_ID of a key version in the HSM: <c>format(1) | SHA-256 of the service id, first 8 bytes | incarnation(16) | version(4,
/// big endian) | day(4, big endian) | attempt(8)</c>. So installations that share a token can tell their objects apart, two lives
/// of a key id never collide, and when two silos race to make a version, each gets an object of its own. A root key's id has
/// another length. The day is included because no attribute tells a key's age on every token.
/// </summary>
/// <param name="Service">The installation, shortened.</param>
/// <param name="Incarnation">The key's incarnation.</param>
/// <param name="Version">The key version.</param>
/// <param name="MadeOn">The day on which it was made, UTC.</param>
/// <param name="Attempt">Random; tells attempts at the same version apart.</param>
internal readonly record struct HsmKeyId(ulong Service, Incarnation Incarnation, int Version, DateOnly MadeOn, ulong Attempt)
{
    /// <summary>Length in bytes.</summary>
    public const int Length = 1 + sizeof(ulong) + Incarnation.Length + sizeof(int) + sizeof(int) + sizeof(ulong);

    private const byte Format = 1;
    private const int IncarnationAt = 1 + sizeof(ulong);
    private const int VersionAt = IncarnationAt + Incarnation.Length;
    private const int DayAt = VersionAt + sizeof(int);
    private const int AttemptAt = DayAt + sizeof(int);

    /// <summary>An installation's id, shortened.</summary>
    public static ulong ServiceOf(string serviceId) =>
        BinaryPrimitives.ReadUInt64BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes("okms.hsm.service.v1\0" + serviceId)));

    /// <summary>The id for an object about to be made.</summary>
    public static HsmKeyId New(ulong service, Incarnation incarnation, int version, DateOnly today) =>
        new(service, incarnation, version, today, BinaryPrimitives.ReadUInt64BigEndian(RandomNumberGenerator.GetBytes(sizeof(ulong))));

    /// <summary>Reads an id.</summary>
    /// <returns>False when it is not one of ours.</returns>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out HsmKeyId id)
    {
        id = default;
        if (bytes.Length != Length || bytes[0] != Format)
        {
            return false;
        }

        var version = BinaryPrimitives.ReadInt32BigEndian(bytes[VersionAt..]);
        var day = BinaryPrimitives.ReadInt32BigEndian(bytes[DayAt..]);
        if (version < 1 || day < 0 || day > DateOnly.MaxValue.DayNumber)
        {
            return false;
        }

        id = new HsmKeyId(
            BinaryPrimitives.ReadUInt64BigEndian(bytes[1..]), Incarnation.Read(bytes.Slice(IncarnationAt, Incarnation.Length)),
            version, DateOnly.FromDayNumber(day), BinaryPrimitives.ReadUInt64BigEndian(bytes[AttemptAt..]));
        return true;
    }

    /// <summary>The id's bytes.</summary>
    public byte[] ToArray()
    {
        var bytes = new byte[Length];
        bytes[0] = Format;
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(1), Service);
        Incarnation.Write(bytes.AsSpan(IncarnationAt, Incarnation.Length));
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(VersionAt), Version);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(DayAt), MadeOn.DayNumber);
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(AttemptAt), Attempt);
        return bytes;
    }

    /// <summary>The bytes in hexadecimal, as commands take them.</summary>
    public override string ToString() => Convert.ToHexStringLower(ToArray());
}

using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using OrleansKms.Grains.Sealing;

namespace OrleansKms.Grains.Hsm;

/// <summary>
/// The CKA_ID of a key version in the HSM:
/// <c>format(1) | SHA-256 of the service id, first 8 bytes | incarnation(16) | version(4, big endian)</c>. So objects of
/// installations that share a token are told apart, and no two lives of a key id meet. A root key's id has another length.
/// </summary>
/// <param name="Service">The installation, shortened.</param>
/// <param name="Incarnation">The key's incarnation.</param>
/// <param name="Version">The key version.</param>
internal readonly record struct HsmKeyId(ulong Service, Incarnation Incarnation, int Version)
{
    /// <summary>Length in bytes.</summary>
    public const int Length = 1 + sizeof(ulong) + Incarnation.Length + sizeof(int);

    private const byte Format = 1;

    /// <summary>An installation's id, shortened.</summary>
    public static ulong ServiceOf(string serviceId) =>
        BinaryPrimitives.ReadUInt64BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes("okms.hsm.service.v1\0" + serviceId)));

    /// <summary>Reads an id.</summary>
    /// <returns>False when it is not one of ours.</returns>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out HsmKeyId id)
    {
        id = default;
        if (bytes.Length != Length || bytes[0] != Format)
        {
            return false;
        }

        id = new HsmKeyId(
            BinaryPrimitives.ReadUInt64BigEndian(bytes[1..]), Incarnation.Read(bytes[(1 + sizeof(ulong))..]),
            BinaryPrimitives.ReadInt32BigEndian(bytes[^sizeof(int)..]));
        return id.Version >= 1;
    }

    /// <summary>The id's bytes.</summary>
    public byte[] ToArray()
    {
        var bytes = new byte[Length];
        bytes[0] = Format;
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(1), Service);
        Incarnation.Write(bytes.AsSpan(1 + sizeof(ulong), Incarnation.Length));
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(Length - sizeof(int)), Version);
        return bytes;
    }

    /// <summary>The bytes in hexadecimal digits, as commands take it.</summary>
    public override string ToString() => Convert.ToHexStringLower(ToArray());
}

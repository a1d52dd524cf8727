using System.Buffers.Binary;
using OrleansKms.Grains.Cryptography.Aead;

namespace OrleansKms.Grains.Sealing;

/// <summary>The clear-text beginning of each row.</summary>
/// <param name="Flags">See <see cref="RowFlags"/>.</param>
/// <param name="KekId">The KEK that all sections of the row are sealed under.</param>
/// <param name="Incarnation">The life of the id that the row belongs to.</param>
/// <param name="Format">See <see cref="RowFormats"/>.</param>
internal readonly record struct RowHeader(RowFlags Flags, KekId KekId, Incarnation Incarnation, byte Format);

/// <summary>The flags in a row's header. Bits without a name here are zero.</summary>
[Flags]
internal enum RowFlags : byte
{
    /// <summary>An ordinary row.</summary>
    None = 0,

    /// <summary>A plain listing leaves the row out.</summary>
    Tombstone = 1,
}

/// <summary>A parsed row, with nothing opened yet.</summary>
/// <param name="Header">The header.</param>
/// <param name="Content">nonce || ciphertext || tag of the content.</param>
/// <param name="MaterialSection">The material section as it stands in the row, with its own header; empty for none.</param>
/// <param name="Material">The same, as wrapped material; or null.</param>
internal sealed record SealedRow(
    RowHeader Header, ReadOnlyMemory<byte> Content, ReadOnlyMemory<byte> MaterialSection, WrappedMaterial? Material);

/// <summary>The layout of a row in bytes; FORMAT.md beside this file is the specification.</summary>
internal static class RowLayout
{
    /// <summary>Length of the header.</summary>
    public const int HeaderLength = 2 + KekId.Length + Incarnation.Length;

    /// <summary>What sealing adds to a plaintext: nonce and tag.</summary>
    public const int SealOverhead = XAes256Gcm.NonceLength + XAes256Gcm.TagLength;

    private const byte ContentKind = 1;
    private const byte MaterialKind = 2;
    private const int ContentPrefix = 1 + sizeof(int);
    private const int MaterialPrefix = 1 + sizeof(int) + sizeof(int);

    /// <summary>The material section, or nothing.</summary>
    public static byte[] WriteMaterialSection(WrappedMaterial? material)
    {
        if (material is null)
        {
            return [];
        }

        var section = new byte[MaterialPrefix + material.Sealed.Length];
        section[0] = MaterialKind;
        BinaryPrimitives.WriteInt32BigEndian(section.AsSpan(1), material.Version);
        BinaryPrimitives.WriteInt32BigEndian(section.AsSpan(5), material.Sealed.Length);
        material.Sealed.Span.CopyTo(section.AsSpan(MaterialPrefix));
        return section;
    }

    /// <summary>Assembles a row, with room for the sealed content.</summary>
    /// <param name="header">The header.</param>
    /// <param name="contentLength">Length of the content before it is sealed.</param>
    /// <param name="materialSection">The output of <see cref="WriteMaterialSection"/>.</param>
    /// <param name="content">Where the sealed content goes.</param>
    public static byte[] Write(
        RowHeader header, int contentLength, ReadOnlySpan<byte> materialSection, out Range content)
    {
        var sealedLength = SealOverhead + contentLength;
        var start = HeaderLength + ContentPrefix;
        var row = new byte[start + sealedLength + materialSection.Length];
        row[0] = header.Format;
        row[1] = (byte)header.Flags;
        header.KekId.Write(row.AsSpan(2));
        header.Incarnation.Write(row.AsSpan(2 + KekId.Length));
        row[HeaderLength] = ContentKind;
        BinaryPrimitives.WriteInt32BigEndian(row.AsSpan(HeaderLength + 1), sealedLength);
        materialSection.CopyTo(row.AsSpan(start + sealedLength));
        content = start..(start + sealedLength);
        return row;
    }

    /// <summary>Parses a row.</summary>
    /// <returns>Null for anything but exactly one row in a format that this program knows.</returns>
    public static SealedRow? TryRead(ReadOnlyMemory<byte> row)
    {
        var bytes = row.Span;
        if (bytes.Length < HeaderLength || bytes[0] is < RowFormats.First or > RowFormats.Newest || (bytes[1] & ~(byte)RowFlags.Tombstone) != 0)
        {
            return null;
        }

        var header = new RowHeader(
            (RowFlags)bytes[1], KekId.Read(bytes.Slice(2, KekId.Length)),
            Incarnation.Read(bytes.Slice(2 + KekId.Length, Incarnation.Length)), bytes[0]);
        if (!TryReadSection(row[HeaderLength..], ContentKind, ContentPrefix, out var content, out var rest))
        {
            return null;
        }

        if (rest.IsEmpty)
        {
            return new SealedRow(header, content, default, null);
        }

        if (!TryReadSection(rest, MaterialKind, MaterialPrefix, out var material, out var end) || !end.IsEmpty)
        {
            return null;
        }

        var version = BinaryPrimitives.ReadInt32BigEndian(rest.Span[1..]);
        return version < 1
            ? null
            : new SealedRow(header, content, rest, new WrappedMaterial(version, header.KekId, material));
    }

    private static bool TryReadSection(
        ReadOnlyMemory<byte> bytes, byte kind, int prefix, out ReadOnlyMemory<byte> section, out ReadOnlyMemory<byte> rest)
    {
        section = rest = default;
        if (bytes.Length < prefix || bytes.Span[0] != kind)
        {
            return false;
        }

        var length = BinaryPrimitives.ReadInt32BigEndian(bytes.Span[(prefix - sizeof(int))..]);
        if (length < SealOverhead || length > bytes.Length - prefix)
        {
            return false;
        }

        section = bytes.Slice(prefix, length);
        rest = bytes[(prefix + length)..];
        return true;
    }
}

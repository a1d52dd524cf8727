using System.Buffers.Binary;
using System.Text.Json;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys.Backups;

/// <summary>The content of a backup before it is sealed: what it says of the key, and the material. FORMAT.md specifies the bytes.</summary>
internal static class BackupContent
{
    private const int Prefix = sizeof(int);

    /// <summary>How many bytes a content has at least.</summary>
    /// <param name="content">What it says of the key.</param>
    /// <param name="versions">How many versions have material in it.</param>
    public static int LeastLength(KeyBackupContent content, int versions) =>
        Prefix + JsonSerializer.SerializeToUtf8Bytes(content, KeyRowJson.Default.KeyBackupContent).Length + MaterialBundle.LeastLength(versions);

    /// <summary>Writes a content, which the caller disposes.</summary>
    public static SecretBytes Write(KeyBackupContent content, MaterialBundle material)
    {
        var text = JsonSerializer.SerializeToUtf8Bytes(content, KeyRowJson.Default.KeyBackupContent);
        var bytes = new SecretBytes(Prefix + text.Length + material.Bytes.Length);
        BinaryPrimitives.WriteInt32BigEndian(bytes.Span, text.Length);
        text.CopyTo(bytes.Span[Prefix..]);
        material.Bytes.CopyTo(bytes.Span[(Prefix + text.Length)..]);
        return bytes;
    }

    /// <summary>Reads a content.</summary>
    /// <returns>Null for anything but exactly one content; otherwise the caller disposes the material.</returns>
    public static (KeyBackupContent Content, MaterialBundle Material)? TryRead(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < Prefix || BinaryPrimitives.ReadInt32BigEndian(bytes) is var length && (length < 0 || length > bytes.Length - Prefix))
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize(bytes.Slice(Prefix, length), KeyRowJson.Default.KeyBackupContent) is { } content
                && MaterialBundle.TryRead(bytes[(Prefix + length)..]) is { } material
                ? (content, material)
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

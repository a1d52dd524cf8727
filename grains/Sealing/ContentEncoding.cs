using System.Buffers.Binary;
using System.IO.Compression;

namespace OrleansKms.Grains.Sealing;

/// <summary>
/// How the content of a format 2 row is written before it is sealed: as it is, or compressed. FORMAT.md is the specification.
/// </summary>
/// <remarks>
/// Compression before encryption leaks, through the length, how alike two parts of the content are. Whoever chooses one part and
/// watches the row's size may guess the other; so only rows that hold nothing chosen by a caller, and no secret text, ask for it
/// (<see cref="Row.MayCompress"/>).
/// </remarks>
internal static class ContentEncoding
{
    /// <summary>The longest content accepted; rows are far below it.</summary>
    public const int MaxDecoded = 64 << 20;

    private const byte Plain = 0;
    private const byte Brotli = 1;
    private const int BrotliPrefix = 1 + sizeof(int);

    // A row below this is small, and compressing it costs more than it saves.
    private const int MinCompressed = 512;

    // The compromise that .NET's own web server makes; rows rarely exceed a few tens of kilobytes.
    private const int Quality = 4;
    private const int Window = 22;

    /// <summary>Encodes a content.</summary>
    public static byte[] Encode(ReadOnlySpan<byte> content, bool mayCompress)
    {
        if (mayCompress && content.Length >= MinCompressed)
        {
            var compressed = new byte[content.Length - sizeof(int)];
            if (BrotliEncoder.TryCompress(content, compressed.AsSpan(BrotliPrefix), out var written, Quality, Window))
            {
                compressed[0] = Brotli;
                BinaryPrimitives.WriteInt32BigEndian(compressed.AsSpan(1), content.Length);
                return compressed[..(BrotliPrefix + written)];
            }
        }

        return [Plain, .. content];
    }

    /// <summary>Decodes a content.</summary>
    /// <returns>Null for anything that <see cref="Encode"/> does not produce.</returns>
    public static byte[]? TryDecode(ReadOnlySpan<byte> encoded) => encoded switch
    {
        [Plain, .. var content] => content.ToArray(),
        [Brotli, ..] when encoded.Length >= BrotliPrefix => TryDecompress(
            encoded[BrotliPrefix..], BinaryPrimitives.ReadInt32BigEndian(encoded[1..])),
        _ => null,
    };

    private static byte[]? TryDecompress(ReadOnlySpan<byte> compressed, int length)
    {
        if (length is < 0 or > MaxDecoded)
        {
            return null;
        }

        var content = new byte[length];
        return BrotliDecoder.TryDecompress(compressed, content, out var written) && written == length ? content : null;
    }
}

using System.Buffers.Binary;
using System.IO.Compression;

namespace OrleansKms.Grains.Sealing;

/// <summary>
/// How the content of a row of format 2 is written before it is sealed: as it is, or compressed. FORMAT.md is its specification.
/// </summary>
/// <remarks>
/// Compression before encryption tells, by its length, how much two parts of a text are alike. Whoever could choose one part
/// and watch the row's size might guess the other; so only rows that hold nothing that a caller chose, and no text that is
/// secret, ask for it (<see cref="Row.MayCompress"/>).
/// </remarks>
internal static class ContentEncoding
{
    /// <summary>The longest content that is taken; a row is far below it.</summary>
    public const int MaxDecoded = 64 << 20;

    private const byte Plain = 0;
    private const byte Brotli = 1;
    private const int BrotliPrefix = 1 + sizeof(int);

    // Below this a row is small, and what compression saves is lost again in what it costs.
    private const int MinCompressed = 512;

    // A compromise that .NET's own web server makes too; the rows have a few tens of kilobytes at the most usual.
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
    /// <returns>Null for anything that <see cref="Encode"/> does not make.</returns>
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

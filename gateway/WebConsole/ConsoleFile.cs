using System.IO.Compression;
using System.Security.Cryptography;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace OrleansKms.Gateway.WebConsole;

/// <summary>A file of the console, compressed once in the ways that browsers accept.</summary>
internal sealed class ConsoleFile
{
    private const int Quality = 9;
    private const int Window = 22;

    private readonly string _hash;
    private readonly Form _plain;
    private readonly Form[] _compressed;

    /// <summary>A file with these bytes.</summary>
    public ConsoleFile(string name, byte[] bytes)
    {
        ContentType = Path.GetExtension(name) switch
        {
            ".html" => "text/html; charset=utf-8",
            ".css" => "text/css; charset=utf-8",
            ".js" or ".mjs" => "text/javascript; charset=utf-8",
            ".json" => "application/json",
            ".svg" => "image/svg+xml",
            ".txt" => "text/plain; charset=utf-8",
            _ => throw new InvalidOperationException($"Internal error: nothing says what {name} is."),
        };
        _hash = Convert.ToHexStringLower(SHA256.HashData(bytes))[..32];
        _plain = new(null, bytes, $"\"{_hash}\"");
        _compressed = [new("br", Brotli(bytes), $"\"{_hash}-br\""), new("gzip", Gzip(bytes), $"\"{_hash}-gzip\"")];
    }

    /// <summary>Its bytes in one encoding, with the entity tag of that.</summary>
    /// <param name="Encoding">The encoding; null for none.</param>
    /// <param name="Bytes">The bytes.</param>
    /// <param name="Tag">The entity tag.</param>
    public sealed record Form(string? Encoding, byte[] Bytes, string Tag);

    /// <summary>The media type.</summary>
    public string ContentType { get; }

    /// <summary>The form for a client: the first that it accepts, of those that are smaller than the file itself.</summary>
    public Form FormFor(HttpRequest request)
    {
        var accepted = request.GetTypedHeaders().AcceptEncoding;
        foreach (var form in _compressed)
        {
            if (form.Bytes.Length < _plain.Bytes.Length && accepted.Any(encoding => encoding.Value == form.Encoding && encoding.Quality is not 0)) return form;
        }

        return _plain;
    }

    /// <summary>Whether a client says that it has this form.</summary>
    public static bool IsKnown(StringValues ifNoneMatch, Form form) =>
        EntityTagHeaderValue.TryParseList(ifNoneMatch, out var tags) && tags.Any(tag => tag.Tag == form.Tag || tag.Tag == "*");

    private static byte[] Brotli(byte[] bytes)
    {
        var compressed = new byte[BrotliEncoder.GetMaxCompressedLength(bytes.Length)];
        return BrotliEncoder.TryCompress(bytes, compressed, out var length, Quality, Window)
            ? compressed[..length]
            : throw new InvalidOperationException("Internal error: a file of the console could not be compressed.");
    }

    private static byte[] Gzip(byte[] bytes)
    {
        using var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionLevel.SmallestSize))
        {
            gzip.Write(bytes);
        }

        return compressed.ToArray();
    }
}

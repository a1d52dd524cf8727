using System.Buffers.Binary;
using System.Security.Cryptography;
using OrleansKms.Grains.Cryptography.Aead;

namespace OrleansKms.Silo.Verbs.Files;

/// <summary>
/// The content of a file in chunks, each encrypted by itself: the STREAM construction (Hoang, Reyhanitabar, Rogaway and Vizár 2015) as
/// c2sp.org/age has it. A chunk's nonce is its number and whether it is the last, so that none can be changed, moved, repeated,
/// left out or added unnoticed. Memory for two chunks, whatever the file's length.
/// </summary>
internal static class Payload
{
    /// <summary>The plaintext of a chunk but the last, in bytes.</summary>
    public const int ChunkLength = 64 * 1024;

    /// <summary>How many chunks a file can have: 256 TiB of content, far within what both ciphers allow under one key.</summary>
    public const long MaxChunks = 1L << 32;

    /// <summary>A whole chunk in the file, with its tag.</summary>
    public const int SealedLength = ChunkLength + AeadAlgorithm.TagLength;

    private const int NonceLength = 12;

    /// <summary>Encrypts to the end of the input.</summary>
    /// <param name="key">The key of the chunks, which is used for nothing else.</param>
    /// <param name="input">The content.</param>
    /// <param name="output">Receives the chunks.</param>
    /// <param name="written">Hears the content's length so far.</param>
    public static void Encrypt(AeadKey key, Stream input, Stream output, Action<long>? written = null)
    {
        var (chunk, next) = (new byte[ChunkLength], new byte[ChunkLength]);
        var encrypted = new byte[SealedLength];
        try
        {
            var length = Fill(input, chunk);
            var total = 0L;
            for (var number = 0L; ; number++)
            {
                // Only the end of the input tells which chunk is the last.
                var following = length == ChunkLength ? Fill(input, next) : 0;
                Encrypt(key, number, isLast: following == 0, chunk.AsSpan(0, length), encrypted);
                output.Write(encrypted, 0, length + AeadAlgorithm.TagLength);
                written?.Invoke(total += length);
                if (following == 0) return;
                (chunk, next, length) = (next, chunk, following);
            }
        }
        finally
        {
            CryptographicOperations.ZeroMemory(chunk);
            CryptographicOperations.ZeroMemory(next);
        }
    }

    /// <summary>Decrypts to the end of the input. What is written was authenticated before; only at the return it is all of the content.</summary>
    /// <param name="key">The key of the chunks.</param>
    /// <param name="input">The chunks and nothing else.</param>
    /// <param name="output">Receives the content, chunk by chunk.</param>
    /// <param name="written">Hears the content's length so far.</param>
    /// <exception cref="FileFormatException">The file was changed, cut off or extended.</exception>
    public static void Decrypt(AeadKey key, Stream input, Stream output, Action<long>? written = null)
    {
        var (chunk, next) = (new byte[SealedLength], new byte[SealedLength]);
        var content = new byte[ChunkLength];
        try
        {
            var length = Fill(input, chunk);
            var total = 0L;
            for (var number = 0L; ; number++)
            {
                var following = length == SealedLength ? Fill(input, next) : 0;
                var isLast = following == 0;
                // A file has one encoding: content that fills its chunks is not followed by an empty one.
                if (length < AeadAlgorithm.TagLength || (length == AeadAlgorithm.TagLength && number > 0)) throw CutOff();
                var plaintext = content.AsSpan(0, length - AeadAlgorithm.TagLength);
                if (!TryDecrypt(key, number, isLast, chunk.AsSpan(0, length), plaintext))
                {
                    throw FaultOf(key, number, isLast, chunk.AsSpan(0, length), plaintext);
                }

                output.Write(plaintext);
                written?.Invoke(total += plaintext.Length);
                if (isLast) return;
                (chunk, next, length) = (next, chunk, following);
            }
        }
        finally
        {
            CryptographicOperations.ZeroMemory(content);
        }
    }

    // A chunk that opens with the other flag says what happened to the file. It is not written.
    private static FileFormatException FaultOf(AeadKey key, long number, bool isLast, ReadOnlySpan<byte> chunk, Span<byte> plaintext)
    {
        var isWhole = TryDecrypt(key, number, !isLast, chunk, plaintext);
        plaintext.Clear();
        return (isWhole, isLast) switch
        {
            (true, true) => CutOff(),
            (true, false) => new(FileFault.Extended, "Something was added to the end of the file."),
            _ => new(FileFault.ChangedChunk, "The file was changed or cut off: a chunk is not what was encrypted."),
        };
    }

    private static FileFormatException CutOff() => new(FileFault.CutOff, "The file was cut off: its last chunk is missing.");

    private static void Encrypt(AeadKey key, long number, bool isLast, ReadOnlySpan<byte> plaintext, Span<byte> chunk)
    {
        Span<byte> nonce = stackalloc byte[NonceLength];
        WriteNonce(nonce, number, isLast);
        key.Encrypt(nonce, plaintext, chunk[..plaintext.Length], chunk.Slice(plaintext.Length, AeadAlgorithm.TagLength), associatedData: []);
    }

    private static bool TryDecrypt(AeadKey key, long number, bool isLast, ReadOnlySpan<byte> chunk, Span<byte> plaintext)
    {
        Span<byte> nonce = stackalloc byte[NonceLength];
        WriteNonce(nonce, number, isLast);
        return key.TryDecrypt(nonce, chunk[..plaintext.Length], chunk[plaintext.Length..], plaintext, associatedData: []);
    }

    /// <summary>Writes a chunk's nonce: 11 bytes of its number, big endian, and 1 for the last chunk or 0 for any other.</summary>
    private static void WriteNonce(Span<byte> nonce, long number, bool isLast)
    {
        if (number >= MaxChunks) throw new FileFormatException(FileFault.TooLong, "A file can have at most 256 TiB.");
        nonce.Clear();
        BinaryPrimitives.WriteInt64BigEndian(nonce[3..], number);
        nonce[^1] = isLast ? (byte)1 : (byte)0;
    }

    private static int Fill(Stream input, byte[] buffer) => input.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
}

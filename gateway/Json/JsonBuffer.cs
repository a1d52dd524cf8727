using System.Buffers;
using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace OrleansKms.Gateway.Json;

/// <summary>
/// A writer into memory that a thread uses again and again, so that an answer's length is known before its first byte leaves.
/// It is zeroed after each use, since answers hold plaintexts.
/// </summary>
internal sealed class JsonBuffer : IBufferWriter<byte>
{
    private const int KeptLength = 256 * 1024;

    [ThreadStatic]
    private static JsonBuffer? _cached;

    private byte[] _bytes = new byte[4096];
    private int _length;

    // Answers are never put into a page, so only what JSON itself asks for is escaped.
    private JsonBuffer() => Writer = new Utf8JsonWriter(
        (IBufferWriter<byte>)this,
        new JsonWriterOptions { SkipValidation = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    /// <summary>Writes into this buffer.</summary>
    public Utf8JsonWriter Writer { get; }

    /// <summary>What was written and flushed.</summary>
    public ReadOnlyMemory<byte> Written => _bytes.AsMemory(0, _length);

    /// <summary>This thread's buffer, or a new one when it is in use.</summary>
    public static JsonBuffer Rent()
    {
        var buffer = _cached ?? new JsonBuffer();
        _cached = null;
        return buffer;
    }

    /// <summary>Zeroes the buffer and keeps it for the thread's next answer.</summary>
    public void Return()
    {
        CryptographicOperations.ZeroMemory(_bytes.AsSpan(0, _length));
        _length = 0;
        Writer.Reset();
        if (_bytes.Length <= KeptLength)
        {
            _cached = this;
        }
    }

    public void Advance(int count) => _length += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Grow(sizeHint);
        return _bytes.AsMemory(_length);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Grow(sizeHint);
        return _bytes.AsSpan(_length);
    }

    private void Grow(int sizeHint)
    {
        var needed = _length + Math.Max(sizeHint, 256);
        if (needed <= _bytes.Length)
        {
            return;
        }

        var larger = new byte[Math.Max(needed, checked(_bytes.Length * 2))];
        _bytes.AsSpan(0, _length).CopyTo(larger);
        CryptographicOperations.ZeroMemory(_bytes);
        _bytes = larger;
    }
}

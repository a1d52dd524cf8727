using System.Buffers;
using System.IO.Pipelines;
using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace OrleansKms.Gateway.Json;

/// <summary>
/// Memory for one JSON answer, so that its length is known before the first byte leaves. The memory is borrowed in pieces, all
/// but those of the largest values below the size of large objects, and is zeroed when this is disposed, since answers hold
/// plaintexts.
/// </summary>
internal sealed class JsonBuffer : IBufferWriter<byte>, IDisposable
{
    private const int FirstPiece = 4 * 1024;
    private const int FurtherPieces = 64 * 1024;
    private const int MinSpan = 256;

    [ThreadStatic]
    private static JsonBuffer? _cached;

    private readonly ArrayPool<byte> _pool;
    private readonly List<Piece> _pieces = [];
    private bool _isRented;

    private JsonBuffer(ArrayPool<byte> pool)
    {
        _pool = pool;
        // Answers are never embedded in a page, so only what JSON itself requires is escaped.
        Writer = new Utf8JsonWriter(
            (IBufferWriter<byte>)this,
            new JsonWriterOptions { SkipValidation = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        _isRented = true;
    }

    /// <summary>Borrowed memory and how much of it is written.</summary>
    private struct Piece(byte[] bytes)
    {
        public readonly byte[] Bytes = bytes;
        public int Length;
    }

    /// <summary>Writes into this buffer.</summary>
    public Utf8JsonWriter Writer { get; }

    /// <summary>How many bytes were written and flushed.</summary>
    public int Length { get; private set; }

    /// <summary>A buffer, which the caller disposes.</summary>
    /// <param name="pool">The source of its memory.</param>
    public static JsonBuffer Rent(ArrayPool<byte> pool)
    {
        if (_cached is not { } buffer || buffer._pool != pool)
        {
            return new(pool);
        }

        _cached = null;
        buffer._isRented = true;
        return buffer;
    }

    /// <summary>Writes everything written and flushed to an answer. The buffer stays in use until this has finished.</summary>
    public async ValueTask CopyTo(PipeWriter output)
    {
        for (var i = 0; i < _pieces.Count; i++)
        {
            var written = await output.WriteAsync(_pieces[i].Bytes.AsMemory(0, _pieces[i].Length), CancellationToken.None);
            if (written.IsCompleted)
            {
                // Nobody reads the rest.
                return;
            }
        }
    }

    /// <summary>Returns the memory, all of it zeroed: a writer that failed may have written more than it said.</summary>
    public void Dispose()
    {
        if (!_isRented)
        {
            return;
        }

        _isRented = false;
        // First, since it still holds memory of the last piece.
        Writer.Reset();
        foreach (var piece in _pieces)
        {
            CryptographicOperations.ZeroMemory(piece.Bytes);
            _pool.Return(piece.Bytes);
        }

        _pieces.Clear();
        Length = 0;
        _cached = this;
    }

    public void Advance(int count)
    {
        System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_pieces)[^1].Length += count;
        Length = checked(Length + count);
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        var piece = PieceFor(sizeHint);
        return piece.Bytes.AsMemory(piece.Length);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        var piece = PieceFor(sizeHint);
        return piece.Bytes.AsSpan(piece.Length);
    }

    private Piece PieceFor(int sizeHint)
    {
        var needed = Math.Max(sizeHint, MinSpan);
        if (_pieces.Count == 0 || _pieces[^1].Bytes.Length - _pieces[^1].Length < needed)
        {
            _pieces.Add(new(_pool.Rent(Math.Max(needed, _pieces.Count == 0 ? FirstPiece : FurtherPieces))));
        }

        return _pieces[^1];
    }
}

using System.Buffers.Binary;
using System.IO.Pipelines;

namespace OrleansKms.Silo.Clustering.Admission;

/// <summary>Passes on what Orleans sends to a client, and notes which calls that answers.</summary>
internal sealed class AnswerWriter(PipeWriter target, CallPlaces places) : PipeWriter
{
    private const int GreetingLengthBytes = 4;

    // Of a message: the lengths of its header and body, then the header's flags and the number of the call.
    private const int NumberAt = WireFormat.LengthBytes + sizeof(uint);
    private const int StartBytes = NumberAt + sizeof(long);

    private readonly byte[] _start = new byte[StartBytes];
    private Memory<byte> _given;
    private int _filled;
    private long _skip;
    private bool _hasGreeted;

    /// <inheritdoc/>
    public override bool CanGetUnflushedBytes => target.CanGetUnflushedBytes;

    /// <inheritdoc/>
    public override long UnflushedBytes => target.UnflushedBytes;

    /// <inheritdoc/>
    public override Memory<byte> GetMemory(int sizeHint = 0) => _given = target.GetMemory(sizeHint);

    /// <inheritdoc/>
    public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    /// <inheritdoc/>
    public override void Advance(int bytes)
    {
        Note(_given.Span[..bytes]);
        _given = _given[bytes..];
        target.Advance(bytes);
    }

    /// <inheritdoc/>
    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => target.FlushAsync(cancellationToken);

    /// <inheritdoc/>
    public override void CancelPendingFlush() => target.CancelPendingFlush();

    /// <inheritdoc/>
    public override void Complete(Exception? exception = null) => target.Complete(exception);

    private void Note(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (_skip > 0)
            {
                var skipped = (int)Math.Min(_skip, bytes.Length);
                _skip -= skipped;
                bytes = bytes[skipped..];
                continue;
            }
            var wanted = _hasGreeted ? StartBytes : GreetingLengthBytes;
            var taken = Math.Min(wanted - _filled, bytes.Length);
            bytes[..taken].CopyTo(_start.AsSpan(_filled));
            _filled += taken;
            bytes = bytes[taken..];
            if (_filled < wanted) return;
            _filled = 0;
            NoteStart();
        }
    }

    private void NoteStart()
    {
        if (!_hasGreeted)
        {
            _skip = BinaryPrimitives.ReadInt32LittleEndian(_start);
            _hasGreeted = true;
            return;
        }
        _skip = (long)BinaryPrimitives.ReadInt32LittleEndian(_start) + BinaryPrimitives.ReadInt32LittleEndian(_start.AsSpan(sizeof(int)))
            + WireFormat.LengthBytes - StartBytes;
        if (WireFormat.IsAnswer(BinaryPrimitives.ReadUInt32LittleEndian(_start.AsSpan(WireFormat.LengthBytes))))
        {
            places.Answered(BinaryPrimitives.ReadInt64LittleEndian(_start.AsSpan(NumberAt)));
        }
    }
}

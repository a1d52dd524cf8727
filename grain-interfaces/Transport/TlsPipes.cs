using System.IO.Pipelines;
using System.Net.Security;

namespace OrleansKms.Transport;

/// <summary>The pipes that replace a connection's own once TLS is up: they carry plaintext.</summary>
internal sealed class TlsPipes : IDuplexPipe
{
    // A TLS record holds 16 KiB (RFC 8446, section 5.1): smaller pieces would mean more records for the same message.
    private const int RecordBytes = 16 * 1024;
    private const int MinRead = 1024;

    /// <summary>Makes them from an authenticated stream, which stays open when they are completed.</summary>
    public TlsPipes(SslStream stream)
    {
        Input = PipeReader.Create(stream, new StreamPipeReaderOptions(
            bufferSize: RecordBytes, minimumReadSize: MinRead, leaveOpen: true));
        Output = new Writer(PipeWriter.Create(stream, new StreamPipeWriterOptions(minimumBufferSize: RecordBytes, leaveOpen: true)));
    }

    /// <inheritdoc/>
    public PipeReader Input { get; }

    /// <inheritdoc/>
    public PipeWriter Output { get; }

    /// <summary>
    /// Completing a pipe's writer never fails, and Orleans relies on that: it would leave a connection half open. So this one,
    /// which writes through a stream, does not write when it is completed; everything that matters was flushed before.
    /// </summary>
    private sealed class Writer(PipeWriter stream) : PipeWriter
    {
        private static readonly OperationCanceledException _nothingMore = new("The connection is being closed.");

        /// <inheritdoc/>
        public override bool CanGetUnflushedBytes => stream.CanGetUnflushedBytes;

        /// <inheritdoc/>
        public override long UnflushedBytes => stream.UnflushedBytes;

        /// <inheritdoc/>
        public override void Advance(int bytes) => stream.Advance(bytes);

        /// <inheritdoc/>
        public override Memory<byte> GetMemory(int sizeHint = 0) => stream.GetMemory(sizeHint);

        /// <inheritdoc/>
        public override Span<byte> GetSpan(int sizeHint = 0) => stream.GetSpan(sizeHint);

        /// <inheritdoc/>
        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) =>
            stream.FlushAsync(cancellationToken);

        /// <inheritdoc/>
        public override void CancelPendingFlush() => stream.CancelPendingFlush();

        /// <inheritdoc/>
        public override void Complete(Exception? exception = null) => stream.Complete(exception ?? _nothingMore);
    }
}

using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace OrleansKms.Transport;

/// <summary>
/// A connection's raw pipes as the stream underneath TLS. What happens to the pipes reaches the reader or writer above, including
/// a cancellation, by which Orleans closes a connection and after which nothing would wake a reader that went on.
/// </summary>
/// <param name="pipes">The connection's own pipes; they stay open when this is disposed.</param>
internal sealed class PipeStream(IDuplexPipe pipes) : Stream
{
    private string? _unlessAnswered;

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <summary>
    /// Says what it means if the other side ends the connection before it sends anything more. In TLS 1.3 a refused client has
    /// finished its own handshake, and has no other way to find out.
    /// </summary>
    public void ExplainEndBeforeAnswer(string explanation) => _unlessAnswered = explanation;

    /// <inheritdoc/>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        _unlessAnswered is null && pipes.Input.TryRead(out var result)
            ? new(Take(result, buffer))
            : Wait(buffer, cancellationToken);

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var flush = pipes.Output.WriteAsync(buffer, cancellationToken);
        if (!flush.IsCompletedSuccessfully) return Finish(flush);
        Require(flush.Result);
        return default;
    }

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Flush()
    {
        // Every write is flushed.
    }

    /// <inheritdoc/>
    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> Wait(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (_unlessAnswered is not { } explanation) return Take(await pipes.Input.ReadAsync(cancellationToken), buffer);
        try
        {
            var count = Take(await pipes.Input.ReadAsync(cancellationToken), buffer);
            if (count > 0) _unlessAnswered = null;
            else if (!buffer.IsEmpty) throw new IOException(explanation);
            return count;
        }
        catch (IOException e) when (e.Message != explanation)
        {
            throw new IOException(explanation, e);
        }
    }

    private int Take(ReadResult result, Memory<byte> buffer)
    {
        var available = result.Buffer;
        if (result.IsCanceled)
        {
            pipes.Input.AdvanceTo(available.Start);
            throw new OperationCanceledException("The connection is being closed.");
        }
        var count = (int)Math.Min(available.Length, buffer.Length);
        var taken = available.Slice(0, count);
        taken.CopyTo(buffer.Span);
        pipes.Input.AdvanceTo(taken.End);
        return count;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask Finish(ValueTask<FlushResult> flush) => Require(await flush);

    private void Require(FlushResult result)
    {
        if (result.IsCanceled) throw new OperationCanceledException("The connection is being closed.");
        if (result.IsCompleted) throw new IOException(_unlessAnswered ?? "The connection is closed.");
    }
}

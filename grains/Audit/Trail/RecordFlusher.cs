using System.Buffers;
using Microsoft.Win32.SafeHandles;

namespace OrleansKms.Grains.Audit.Trail;

/// <summary>
/// Flushes record files to disk. The kernel reports a failed write once and then forgets it: the next flush succeeds although the records
/// are not on disk. So after a failure, and when a log is opened, whatever may be missing is written again before it is flushed.
/// </summary>
/// <param name="flushed">How far the log is known to be on disk: to its last checkpoint.</param>
/// <param name="flush">Flushes one open file.</param>
internal sealed class RecordFlusher(Written flushed, Action<SafeFileHandle> flush)
{
    private const int BufferSize = 256 * 1024;

    // One flush at a time, so that none takes the error that another should see.
    private readonly Lock _turn = new();
    private Written _flushed = flushed;
    private bool _mayBeLost = true;
    private volatile IOException? _failure;

    /// <summary>Why the last flush failed; null if it did not. Until one succeeds, records may be lost, so none may be accepted.</summary>
    public IOException? Failure => _failure;

    /// <summary>Flushes a log up to here, unless it is flushed already.</summary>
    /// <param name="written">How far it is to be flushed.</param>
    /// <param name="handle">Its file.</param>
    /// <exception cref="IOException">It is not on disk.</exception>
    public void Flush(Written written, SafeFileHandle handle)
    {
        lock (_turn)
        {
            if (written.Records < _flushed.Records || (written.Records == _flushed.Records && _failure is null))
            {
                _mayBeLost &= _failure is not null;
                return;
            }

            try
            {
                if (_mayBeLost)
                {
                    WriteAgain(written);
                }
                else
                {
                    flush(handle);
                }

                (_flushed, _mayBeLost, _failure) = (written, false, null);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or ObjectDisposedException)
            {
                (_mayBeLost, _failure) = (true, e as IOException ?? new IOException(e.Message, e));
                throw _failure;
            }
        }
    }

    /// <summary>Writes what may not be on disk over itself, and flushes it by a descriptor that no earlier error was reported to.</summary>
    private void WriteAgain(Written written)
    {
        var from = _flushed.File == written.File ? _flushed : new(written.File.First, written.File, 0);
        RequireWhole(from, written);
        using var handle = TrailFiles.Open(written.File.Path, FileMode.Open);
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            for (var position = from.Length; position < written.Length;)
            {
                var read = RandomAccess.Read(handle, buffer.AsSpan(0, (int)Math.Min(buffer.Length, written.Length - position)), position);
                RandomAccess.Write(handle, read > 0 ? buffer.AsSpan(0, read) : throw Lost(written), position);
                position += read;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        flush(handle);
    }

    private static void RequireWhole(Written from, Written to)
    {
        var (number, end) = (from.Records, from.Length);
        if (from.Length < to.Length)
        {
            RecordReader.ReadLines(to.File.Path, from.Length, to.Length, (line, next) =>
            {
                var isNext = RecordReader.SequenceOf(line) == number;
                (number, end) = isNext ? (number + 1, next) : (number, end);
                return isNext;
            });
        }

        if (number != to.Records || end != to.Length)
        {
            throw Lost(to);
        }
    }

    private static IOException Lost(Written written) =>
        new($"Records of {written.File.Path} could not be written to the disk, and cannot be read back to be written again.");
}

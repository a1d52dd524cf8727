using System.Buffers;
using Microsoft.Win32.SafeHandles;

namespace OrleansKms.Grains.Audit.Trail;

/// <summary>
/// The record file that is written now, and the next one when it is full. Only one thread writes at a time; how far it is, others read under
/// the gate.
/// </summary>
internal sealed class CurrentRecordFile : IDisposable
{
    private readonly TrailFolder _folder;
    private readonly TrailOptions _options;
    private readonly RecordFlusher _flusher;
    private readonly Lock _gate;
    private readonly TimeProvider _time;
    private readonly ArrayBufferWriter<byte> _lines = new();
    private DateTimeOffset _begun;
    private bool _mayBeTorn;

    /// <summary>Continues at the end of a log's files.</summary>
    /// <param name="folder">The log's folder.</param>
    /// <param name="written">How far it is written; anything beyond in the file is truncated.</param>
    /// <param name="options">How it is written.</param>
    /// <param name="flusher">Flushes it.</param>
    /// <param name="gate">Guards <see cref="Written"/> and <see cref="Handle"/>.</param>
    /// <param name="time">Measures its age.</param>
    public CurrentRecordFile(TrailFolder folder, Written written, TrailOptions options, RecordFlusher flusher, Lock gate, TimeProvider time)
    {
        (_folder, Written, _options, _flusher, _gate, _time) = (folder, written, options, flusher, gate, time);
        Handle = TrailFiles.Open(written.File.Path, FileMode.OpenOrCreate);
        RandomAccess.SetLength(Handle, written.Length);
        _begun = time.GetUtcNow();
    }

    /// <summary>How far the log is written.</summary>
    public Written Written { get; private set; }

    /// <summary>The open file.</summary>
    public SafeFileHandle Handle { get; private set; }

    /// <summary>Appends the records that a crash left pending.</summary>
    /// <param name="path">The file of <see cref="PendingRecords"/>.</param>
    public void Recover(string path)
    {
        foreach (var (number, line) in PendingRecords.Read(path))
        {
            if (number == Written.Records)
            {
                RandomAccess.Write(Handle, [.. line, (byte)'\n'], Written.Length);
                Written = new(number + 1, Written.File, Written.Length + line.Length + 1);
            }
        }
    }

    /// <summary>Writes records behind those that are there; <see cref="Advance"/> makes them part of the log.</summary>
    /// <returns>Why they could not be written; null if they were.</returns>
    public IOException? Write(RecordBatch batch, out int bytes)
    {
        bytes = 0;
        try
        {
            if (_mayBeTorn)
            {
                RandomAccess.SetLength(Handle, Written.Length);
                _mayBeTorn = false;
            }

            if (Written.Length > 0 && (Written.Length >= _options.Limits.MaxBytes || _time.GetUtcNow() - _begun >= _options.Limits.MaxAge))
            {
                BeginNext();
            }

            var lines = Number(batch);
            _mayBeTorn = true;
            RandomAccess.Write(Handle, lines, Written.Length);
            if (_options.Sync)
            {
                _flusher.Flush(new(Written.Records + batch.Count, Written.File, Written.Length + lines.Length), Handle);
            }

            _mayBeTorn = false;
            bytes = lines.Length;
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ObjectDisposedException)
        {
            return e as IOException ?? new IOException(e.Message, e);
        }
        finally
        {
            _lines.ResetWrittenCount();
        }
    }

    /// <summary>Notes that records were written. The caller holds the gate.</summary>
    public void Advance(int records, int bytes) => Written = new(Written.Records + records, Written.File, Written.Length + bytes);

    /// <summary>Closes the file.</summary>
    public void Dispose() => Handle.Dispose();

    private void BeginNext()
    {
        _flusher.Flush(Written, Handle);
        var next = new RecordFile(_folder.RecordPath(Written.Records), Written.Records);

        // An earlier attempt may have left it, empty.
        var handle = TrailFiles.Open(next.Path, FileMode.OpenOrCreate);
        if (RandomAccess.GetLength(handle) > 0)
        {
            handle.Dispose();
            throw new IOException($"The file {next.Path} should be new and is not empty.");
        }

        lock (_gate)
        {
            (var full, Handle) = (Handle, handle);
            Written = new(Written.Records, next, 0);
            full.Dispose();
        }

        _begun = _time.GetUtcNow();
    }

    private ReadOnlySpan<byte> Number(RecordBatch batch)
    {
        var number = Written.Records;
        for (var (i, start) = (0, 0); i < batch.Count; i++)
        {
            var members = batch.Next(i, ref start);
            _lines.Advance(RecordLine.Write(number++, members, _lines.GetSpan(members.Length + RecordLine.MaxAdded)));
        }

        return _lines.WrittenSpan;
    }
}

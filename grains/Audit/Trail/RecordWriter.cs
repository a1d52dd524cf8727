using System.Diagnostics.Metrics;
using Microsoft.Win32.SafeHandles;
using OrleansKms.Grains.Storage;
using OrleansKms.Grains.Telemetry;

namespace OrleansKms.Grains.Audit.Trail;

/// <summary>
/// Appends records to files, each completely or not at all. A caller that finds no write in progress writes everything pending, so that a
/// lone caller needs no other thread, and a thousand callers share one write. A record gets its number when it is written.
/// </summary>
internal sealed class RecordWriter : IAsyncDisposable
{
    /// <summary>The maximum number of pending bytes; beyond it, appends fail.</summary>
    public const int MaxWaiting = 16 * 1024 * 1024;

    /// <summary>The maximum length of an entry in c2sp.org/tlog-tiles.</summary>
    public const int MaxRecord = ushort.MaxValue;

    private const int Many = PendingRecords.SegmentSize / 2;

    // Counted by the batch, so that the path of an encryption has no part in it.
    private static readonly Counter<long> _records = new Meter(KmsMeter.Name).CreateCounter<long>(
        "audit_records", description: "Records of the audit trail that were written to its file.");

    private static readonly TimeSpan _deferral = TimeSpan.FromMilliseconds(50);

    private readonly TrailOptions _options;
    private readonly TimeProvider _time;
    private readonly ITimer? _later;
    private readonly PendingRecords? _pending;
    private readonly RecordFlusher _flusher;
    private readonly Lock _gate = new();
    private readonly CurrentRecordFile _file;
    private RecordBatch _waiting = new();
    private RecordBatch? _writing;
    private RecordBatch? _spare = new();
    private bool _isWriting;
    private long _writingSince;
    private IOException? _failure;
    private TaskCompletionSource? _closed;

    /// <summary>Continues at the end of a log's files.</summary>
    /// <param name="folder">The log's folder.</param>
    /// <param name="written">How far it is written; anything beyond in the file is truncated.</param>
    /// <param name="signed">How far its last checkpoint goes; the rest may not be on disk.</param>
    /// <param name="options">How it is written.</param>
    /// <param name="time">Measures a file's age.</param>
    /// <exception cref="IOException">The records beyond the last checkpoint cannot be flushed.</exception>
    public RecordWriter(TrailFolder folder, Written written, Written signed, TrailOptions options, TimeProvider time)
    {
        (_options, _time) = (options, time);
        _flusher = new(signed, options.Flush);
        _file = new(folder, written, options, _flusher, _gate, time);
        _file.Recover(folder.PendingPath);
        Flush();
        File.Delete(folder.PendingPath);
        _pending = options is { Sync: false, Deferred: false } && PendingRecords.CanServe(folder.Path) ? new(folder.PendingPath) : null;
        _later = KeepsFailed ? time.CreateTimer(_ => WriteLater(), null, _deferral, _deferral) : null;
    }

    // Records whose operations were answered before they are in a file must get there.
    private bool KeepsFailed => _options.Deferred || _pending is not null;

    /// <summary>Why accepted records are not in the files or not on disk; null if they are, as far as is known.</summary>
    public IOException? Failure => _flusher.Failure ?? (KeepsFailed ? Volatile.Read(ref _failure) : null);

    /// <summary>How far the log is written.</summary>
    public Written Written
    {
        get
        {
            lock (_gate)
            {
                return _file.Written;
            }
        }
    }

    /// <summary>The number of records in the log, in its files or pending.</summary>
    public long Records
    {
        get
        {
            lock (_gate)
            {
                return _file.Written.Records + (_pending is null ? 0 : (_writing?.Count ?? 0) + _waiting.Count);
            }
        }
    }

    /// <summary>Appends a record.</summary>
    /// <param name="members">The members of its JSON object, without braces; the number is put before them.</param>
    /// <returns>Completes when it is written.</returns>
    /// <exception cref="IOException">It could not be written, and is not in the log.</exception>
    /// <exception cref="TimeoutException">The write takes too long; it may still succeed.</exception>
    public ValueTask Append(ReadOnlySpan<byte> members)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(members.Length, MaxRecord - 64);
        RecordBatch batch;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_closed is not null, this);
            batch = _waiting;
            if (batch.Length + members.Length > MaxWaiting)
            {
                return ValueTask.FromException(new IOException("Too many records are waiting to be written."));
            }

            if (Failure is { } failed)
            {
                return ValueTask.FromException(failed);
            }

            if (batch.IsGivenUp || (KeepsFailed && _isWriting && _time.GetElapsedTime(_writingSince) > _options.Patience))
            {
                return ValueTask.FromException(new TimeoutException("Records are not written in time."));
            }

            var isSafe = _pending is { } pending ? TryStore(pending, batch, members) : _options.Deferred;
            batch.Add(members);
            if (isSafe)
            {
                if (_pending is not null && batch.Length >= Many)
                {
                    WriteLater();
                }

                return ValueTask.CompletedTask;
            }

            if (_isWriting || _options.Sync || _pending is not null)
            {
                var written = batch.Result(_options.Patience);
                if (!_isWriting)
                {
                    _isWriting = true;
                    HandOn();
                }

                return new(written);
            }

            _isWriting = true;
            _waiting = Take();
        }

        var failure = WriteAndFinish(batch);
        return failure is null ? ValueTask.CompletedTask : ValueTask.FromException(failure);
    }

    /// <summary>Writes the records accepted so far to the file.</summary>
    /// <exception cref="IOException">They could not be written.</exception>
    /// <exception cref="TimeoutException">The write takes too long; it may still succeed.</exception>
    public Task WritePending()
    {
        lock (_gate)
        {
            if (_pending is null || (_waiting.IsEmpty ? _writing : _waiting) is not { } batch)
            {
                return Task.CompletedTask;
            }

            var written = batch.Result(_options.Patience);
            WriteLater();
            return written;
        }
    }

    /// <summary>Flushes the records it returns to disk.</summary>
    public Written Flush()
    {
        // A file that a new one replaces meanwhile was flushed before it was closed.
        Written written;
        SafeFileHandle handle;
        lock (_gate)
        {
            (written, handle) = (_file.Written, _file.Handle);
        }

        _flusher.Flush(written, handle);
        return written;
    }

    /// <summary>Accepts no more records, and writes what is pending.</summary>
    /// <returns>How many records could not be written.</returns>
    public async Task<int> Complete()
    {
        Task idle;
        lock (_gate)
        {
            if (_closed is null or { Task.IsCompleted: true })
            {
                _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
            }

            WriteLater();
            idle = _isWriting ? _closed.Task : Task.CompletedTask;
        }

        await idle;
        await (_later?.DisposeAsync() ?? ValueTask.CompletedTask);
        lock (_gate)
        {
            return _pending is null ? _waiting.Count : 0;
        }
    }

    /// <summary>Closes the file, after <see cref="Complete"/>.</summary>
    public async ValueTask DisposeAsync()
    {
        await Complete();
        _file.Dispose();
        if (_waiting.IsEmpty)
        {
            _pending?.Delete();
        }
        else
        {
            _pending?.Dispose();
        }
    }

    /// <summary>Stores a record where it survives the process.</summary>
    /// <returns>False if its caller must wait until it is written: there is no room, or the file is full.</returns>
    private bool TryStore(PendingRecords pending, RecordBatch batch, ReadOnlySpan<byte> members)
    {
        var isStored = pending.TryAdd(Records, members);
        batch.Segments |= isStored ? pending.Segment : 0;
        return isStored && _file.Written.Length + (_writing?.MaxLineBytes ?? 0) + batch.MaxLineBytes < _options.Limits.MaxBytes;
    }

    /// <summary>Takes the pending batch and starts the next.</summary>
    private RecordBatch Take()
    {
        var next = _spare ?? new();
        _spare = null;
        return next;
    }

    private void HandOn()
    {
        _writingSince = _time.GetTimestamp();
        if (_pending is not null || _options.Sync)
        {
            DiskWork.Start(WriteWaiting);
        }
        else
        {
            ThreadPool.UnsafeQueueUserWorkItem(static writer => writer.WriteWaiting(), this, preferLocal: false);
        }
    }

    private void WriteLater()
    {
        lock (_gate)
        {
            if (!_isWriting && !_waiting.IsEmpty)
            {
                _isWriting = true;
                HandOn();
            }
        }
    }

    private void WriteWaiting()
    {
        RecordBatch batch;
        lock (_gate)
        {
            batch = _writing = _waiting;
            _waiting = Take();
            _pending?.Turn();
        }

        WriteAndFinish(batch);
    }

    private IOException? WriteAndFinish(RecordBatch batch)
    {
        var failure = _file.Write(batch, out var bytes);
        Finish(batch, bytes, failure);
        return failure;
    }

    /// <summary>
    /// Completes the waiting callers, and hands the next batch to another thread: this one has a call of its own to answer.
    /// </summary>
    private void Finish(RecordBatch batch, int bytes, IOException? failure)
    {
        bool hasMore;
        TaskCompletionSource? result, later = null;
        lock (_gate)
        {
            result = batch.TakeResult();
            _failure = failure;
            _writing = null;
            if (failure is null)
            {
                _file.Advance(batch.Count, bytes);
                _records.Add(batch.Count);
                _pending?.Clear(batch.Segments);
            }

            if (KeepsFailed && failure is not null)
            {
                // Their operations have been answered, so they are kept, and the timer retries them.
                later = _waiting.TakeResult();
                batch.Add(_waiting);
                _waiting = batch;
                hasMore = false;
            }
            else
            {
                batch.Clear();
                _spare ??= batch;
                hasMore = !_waiting.IsEmpty && (_pending is null || _waiting.IsAwaited || _waiting.Length >= Many || _closed is not null);
            }

            if (!hasMore)
            {
                _isWriting = false;
                _closed?.TrySetResult();
            }
        }

        if (hasMore)
        {
            HandOn();
        }

        End(result, failure);
        End(later, failure);
    }

    private static void End(TaskCompletionSource? result, IOException? failure)
    {
        if (failure is null)
        {
            result?.SetResult();
        }
        else
        {
            result?.SetException(failure);
        }
    }
}

using System.Buffers;

namespace OrleansKms.Gateway.Logging;

/// <summary>
/// Lines about changes that are not written yet. None is dropped: what a stream does not take is kept and tried again, and when
/// there is no room for more, whoever makes changes is told not to.
/// </summary>
/// <param name="capacity">The bytes after which there is no room.</param>
/// <param name="patience">How long a change waits for its line to be written.</param>
internal sealed class PendingChanges(int capacity, TimeSpan patience)
{
    /// <summary>16 MiB: some 50,000 changes. Each of them waited for a commit of the database, so that takes a while.</summary>
    public const int DefaultCapacity = 16 * 1024 * 1024;

    private const int MaxKeptBuffer = 1024 * 1024;

    private readonly Lock _gate = new();
    private ArrayBufferWriter<byte> _waiting = new();
    private ArrayBufferWriter<byte> _taken = new();
    private TaskCompletionSource? _waitingIsWritten;
    private TaskCompletionSource? _takenIsWritten;
    private int _bytes;
    private bool _stands;

    /// <summary>Whether a change may still be made.</summary>
    public bool HasRoom => Volatile.Read(ref _bytes) < capacity;

    /// <summary>Whether any line is not written yet.</summary>
    public bool Any => Volatile.Read(ref _bytes) > 0;

    /// <summary>Whether the stream refused the last write; for the thread that writes.</summary>
    public bool HasFailed { get; private set; }

    /// <summary>Takes a line, also when there is no room: its change has been made.</summary>
    public void Add(ReadOnlySpan<byte> line)
    {
        lock (_gate)
        {
            _waiting.Write(line);
            _bytes += line.Length;
        }
    }

    /// <summary>
    /// Completes when the lines that were added before are written. After one wait for nothing nobody waits again before the stream
    /// takes something: the log must not be what stops the service.
    /// </summary>
    public Task Written()
    {
        lock (_gate)
        {
            if (_bytes == 0 || _stands) return Task.CompletedTask;
            ref var written = ref _waiting.WrittenCount > 0 ? ref _waitingIsWritten : ref _takenIsWritten;
            written ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return WaitFor(written.Task);
        }
    }

    /// <summary>Writes what there is; for one thread.</summary>
    public void WriteTo(Stream stream)
    {
        if (!Take()) return;
        try
        {
            // A write that failed may have left a part of a line, to which the next must not be joined.
            if (HasFailed) stream.Write("\n"u8);
            stream.Write(_taken.WrittenSpan);
            stream.Flush();
        }
        catch (IOException)
        {
            HasFailed = true;
            return;
        }

        HasFailed = false;
        TaskCompletionSource? written;
        lock (_gate)
        {
            _bytes -= _taken.WrittenCount;
            if (_taken.Capacity > MaxKeptBuffer) _taken = new();
            else _taken.ResetWrittenCount();
            _stands = false;
            (written, _takenIsWritten) = (_takenIsWritten, null);
        }

        written?.SetResult();
    }

    private bool Take()
    {
        lock (_gate)
        {
            if (_taken.WrittenCount > 0) return true;
            (_waiting, _taken) = (_taken, _waiting);
            (_waitingIsWritten, _takenIsWritten) = (null, _waitingIsWritten);
            return _taken.WrittenCount > 0;
        }
    }

    private async Task WaitFor(Task written)
    {
        try
        {
            await written.WaitAsync(patience);
        }
        catch (TimeoutException)
        {
            lock (_gate) _stands = true;
        }
    }
}

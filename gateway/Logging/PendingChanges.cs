using System.Buffers;

namespace OrleansKms.Gateway.Logging;

/// <summary>
/// Lines about changes that are not written yet. None is dropped: what a stream refuses is kept and retried, and when there is no
/// room for more, changes are refused.
/// </summary>
/// <param name="capacity">The bytes after which there is no room.</param>
/// <param name="patience">How long a change waits for its line to be written.</param>
internal sealed class PendingChanges(int capacity, TimeSpan patience)
{
    /// <summary>
    /// 16 MiB: some 50,000 changes. Each of them waited for a commit of the database, so filling it takes a while.
    /// </summary>
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

    /// <summary>Accepts a line, even when there is no room: its change has been made.</summary>
    public void Add(ReadOnlySpan<byte> line)
    {
        lock (_gate)
        {
            _waiting.Write(line);
            _bytes += line.Length;
        }
    }

    /// <summary>
    /// Completes when the lines added before are written. After one wait in vain nobody waits again until the stream accepts
    /// something: the log must not stop the service.
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

    /// <summary>Writes pending lines; for one thread.</summary>
    public void WriteTo(Stream stream)
    {
        if (!Take()) return;
        try
        {
            // A failed write may have left part of a line, and the next must not be joined to it.
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

using System.Buffers;

namespace OrleansKms.Gateway.Logging;

/// <summary>
/// Takes finished lines from any thread and writes them to a stream from one, many with one call while it is busy. The buffer is
/// bounded: when the stream's reader is slow, lines below warning are dropped and counted, and a warning waits a moment for room
/// before it is. Changes have a buffer of their own (<see cref="PendingChanges"/>) and are never dropped.
/// </summary>
internal sealed class LineWriter : IDisposable
{
    private const int InitialCapacity = 64 * 1024;

    // A write and two thread switches for each line would cost more than the line. So lines wait a moment for more, unless one is
    // a warning or there are many already.
    private static readonly TimeSpan _company = TimeSpan.FromMilliseconds(25);
    private const int Many = 32 * 1024;

    // How long a warning waits for room, and the end waits until its last lines are read.
    private static readonly TimeSpan _defaultPatience = TimeSpan.FromSeconds(1);

    private readonly Stream _stream;
    private readonly int _capacity;
    private readonly TimeSpan _patience;
    private readonly Func<long, byte[]> _droppedLine;
    private readonly object _gate = new();
    private readonly PendingChanges _changes;
    private readonly Thread _thread;
    private ArrayBufferWriter<byte> _filling = new(InitialCapacity);
    private ArrayBufferWriter<byte> _draining = new(InitialCapacity);
    private long _dropped;
    private bool _urgent;
    private bool _stands;
    private bool _disposed;
    private bool _triedAtEnd;

    /// <summary>Starts the writing thread.</summary>
    /// <param name="stream">Where lines go; disposed with the writer.</param>
    /// <param name="capacity">How many bytes may be pending.</param>
    /// <param name="droppedLine">The line that says how many were dropped.</param>
    /// <param name="patience">How long a warning waits for room; by default a second.</param>
    /// <param name="changeCapacity">How many bytes of changes may be pending.</param>
    public LineWriter(
        Stream stream, int capacity, Func<long, byte[]> droppedLine, TimeSpan? patience = null, int changeCapacity = PendingChanges.DefaultCapacity)
    {
        _patience = patience ?? _defaultPatience;
        _changes = new PendingChanges(changeCapacity, _patience);
        _stream = stream;
        _capacity = capacity;
        _droppedLine = droppedLine;
        _thread = new Thread(WriteLines) { IsBackground = true, Name = "log" };
        _thread.Start();
    }

    /// <summary>Whether a change may be made, because there is room for its line.</summary>
    public bool HasRoomForChanges => _changes.HasRoom;

    /// <summary>Completes when every change handed over before is written, or has waited a moment for a stalled reader.</summary>
    public Task ChangesWritten() => _changes.Written();

    /// <summary>Hands over the line of a change with its line feed. It is accepted even when there is no room.</summary>
    public void WriteChange(ReadOnlySpan<byte> line)
    {
        _changes.Add(line);
        lock (_gate)
        {
            _urgent = true;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Hands over one line with its line feed.</summary>
    /// <param name="line">The line.</param>
    /// <param name="mayDrop">Whether it is dropped at once when there is no room, rather than after a wait.</param>
    public void Write(ReadOnlySpan<byte> line, bool mayDrop)
    {
        lock (_gate)
        {
            // A line larger than the buffer is accepted once the buffer is empty.
            while (!_disposed && _filling.WrittenCount > 0 && _filling.WrittenCount + line.Length > _capacity)
            {
                // After one wait in vain nobody waits again until there is room: the log must not stop the service.
                if (mayDrop || _stands || !Monitor.Wait(_gate, _patience))
                {
                    _stands |= !mayDrop;
                    _dropped++;
                    return;
                }
            }
            if (_disposed) return;
            var wasEmpty = _filling.WrittenCount == 0;
            var wasFew = _filling.WrittenCount < Many;
            _filling.Write(line);
            _urgent |= !mayDrop;
            if (wasEmpty || !mayDrop || (wasFew && _filling.WrittenCount >= Many)) Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Writes everything pending and ends the thread.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed) return;
            _disposed = true;
            Monitor.PulseAll(_gate);
        }
        // A write that hangs is left to the end of the process.
        if (_thread.Join(10 * _patience)) _stream.Dispose();
    }

    private void WriteLines()
    {
        while (TakeLines(out var dropped))
        {
            try
            {
                _stream.Write(_draining.WrittenSpan);
                if (dropped > 0) _stream.Write(_droppedLine(dropped));
                _stream.Flush();
            }
            catch (IOException)
            {
                // The reader of stdout is gone. There is nowhere left to report it, and the service must go on.
            }
            _draining.ResetWrittenCount();
            _changes.WriteTo(_stream);
        }
    }

    private bool TakeLines(out long dropped)
    {
        lock (_gate)
        {
            while (_filling.WrittenCount == 0 && !_changes.Any && !_disposed) Monitor.Wait(_gate);
            if (_changes.HasFailed && !_disposed)
            {
                // A refused write is retried, but not endlessly.
                Monitor.Wait(_gate, _patience);
            }
            else if (!_urgent && !_disposed && _filling.WrittenCount < Many)
            {
                Monitor.Wait(_gate, _company);
            }

            _urgent = false;
            (_filling, _draining) = (_draining, _filling);
            dropped = _dropped;
            _dropped = 0;
            _stands = false;
            Monitor.PulseAll(_gate);
            return _draining.WrittenCount > 0 || (_changes.Any && !GivesUp());
        }
    }

    // At the end, refused changes are tried once more, and only once.
    private bool GivesUp()
    {
        var triedAtEnd = _triedAtEnd;
        _triedAtEnd = _disposed;
        return triedAtEnd && _changes.HasFailed;
    }
}

using System.Buffers;

namespace OrleansKms.Grains.Audit.Trail;

/// <summary>Records written together. Not thread-safe.</summary>
internal sealed class RecordBatch
{
    private const int MaxKeptBuffer = 1024 * 1024;

    private readonly List<int> _lengths = [];
    private ArrayBufferWriter<byte> _members = new();
    private TaskCompletionSource? _result;
    private Task? _awaited;

    public int Count => _lengths.Count;

    public int Length => _members.WrittenCount;

    /// <summary>The length of its lines in the file, at most.</summary>
    public long MaxLineBytes => Length + ((long)Count * RecordLine.MaxAdded);

    /// <summary>Whether a caller waits for it.</summary>
    public bool IsAwaited => _result is not null;

    /// <summary>The segments of <see cref="PendingRecords"/> that hold its records, as bits.</summary>
    public int Segments { get; set; }

    public bool IsEmpty => _lengths.Count == 0;

    /// <summary>Whether its callers have stopped waiting; another one would be refused at once and still be recorded.</summary>
    public bool IsGivenUp => _awaited is { IsCompleted: true };

    /// <summary>Reads a record and moves to the start of the next one.</summary>
    public ReadOnlySpan<byte> Next(int index, ref int start)
    {
        var members = _members.WrittenSpan.Slice(start, _lengths[index]);
        start += members.Length;
        return members;
    }

    public void Add(ReadOnlySpan<byte> members)
    {
        _members.Write(members);
        _lengths.Add(members.Length);
    }

    public void Add(RecordBatch later)
    {
        _members.Write(later._members.WrittenSpan);
        _lengths.AddRange(later._lengths);
        Segments |= later.Segments;
    }

    /// <summary>The task that all callers of the batch await. They share one timer.</summary>
    public Task Result(TimeSpan patience)
    {
        _result ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
        return _awaited ??= _result.Task.WaitAsync(patience, TimeProvider.System);
    }

    public TaskCompletionSource? TakeResult()
    {
        var result = _result;
        (_result, _awaited) = (null, null);
        return result;
    }

    public void Clear()
    {
        _lengths.Clear();
        Segments = 0;
        if (_members.Capacity > MaxKeptBuffer)
        {
            _members = new();
        }
        else
        {
            _members.ResetWrittenCount();
        }
    }
}

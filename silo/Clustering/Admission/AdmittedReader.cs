using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Connections;

namespace OrleansKms.Silo.Clustering.Admission;

/// <summary>
/// Passes to Orleans only the admitted part of what a client sends, one or several whole messages at a time; refused messages are
/// skipped, and malformed ones end the connection.
/// </summary>
/// <param name="source">What the client sends.</param>
/// <param name="frames">Judges it.</param>
/// <param name="refused">Receives everything that is not admitted.</param>
internal sealed class AdmittedReader(PipeReader source, ClientFrames frames, Action<Verdict> refused) : PipeReader
{
    private static readonly AsyncLocal<AdmittedReader?> _ofThisFlow = new();

    private ReadOnlySequence<byte> _buffer;
    private bool _hasGivenUp;

    // At the start of the buffer: what is admitted and not yet consumed; behind it: what is refused and not yet skipped.
    private long _admitted;
    private long _refused;

    /// <summary>The reader that Orleans reads from in the current flow of control; null outside one.</summary>
    public static AdmittedReader? OfThisFlow => _ofThisFlow.Value;

    /// <summary>Everything called from here on, until the caller's caller continues, reads from this one.</summary>
    public void EnterFlow() => _ofThisFlow.Value = this;

    /// <summary>Orleans could not read an admitted message; nothing more is admitted.</summary>
    public void GiveUp(Exception? unreadable)
    {
        if (_hasGivenUp) return;
        _hasGivenUp = true;
        refused(frames.Unreadable(unreadable));
    }

    /// <inheritdoc/>
    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        if (_hasGivenUp) throw Ended();
        while (true)
        {
            var reading = source.ReadAsync(cancellationToken);
            if (!reading.IsCompletedSuccessfully) return Wait(reading, cancellationToken);
            if (Take(reading.Result) is { } result) return new(result);
        }
    }

    /// <inheritdoc/>
    public override bool TryRead(out ReadResult result)
    {
        if (_hasGivenUp) throw Ended();
        while (source.TryRead(out result))
        {
            if (Take(result) is not { } taken) continue;
            result = taken;
            return true;
        }
        return false;
    }

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        var count = _buffer.Slice(0, consumed).Length;
        if (count == 0 && _admitted > 0 && !_buffer.Slice(0, examined).IsEmpty)
        {
            // Orleans waits for more of a message that is whole to us, so the two disagree; it would wait for ever.
            throw new ConnectionAbortedException("Internal error: Orleans reads another message than was admitted.");
        }
        _admitted -= count;
        // The rest was incomplete, unless some of it can be passed on, or skipped, at once.
        source.AdvanceTo(consumed, _admitted > 0 || _refused > 0 ? consumed : _buffer.End);
    }

    /// <inheritdoc/>
    public override void CancelPendingRead() => source.CancelPendingRead();

    /// <inheritdoc/>
    public override void Complete(Exception? exception = null) => source.Complete(exception);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ReadResult> Wait(ValueTask<ReadResult> reading, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (Take(await reading) is { } result) return result;
            reading = source.ReadAsync(cancellationToken);
        }
    }

    /// <summary>The part of it that Orleans gets; null if none yet.</summary>
    private ReadResult? Take(ReadResult read)
    {
        _buffer = read.Buffer;
        var end = Judge();
        if (_admitted > 0 || ((read.IsCompleted || read.IsCanceled) && _refused == 0))
        {
            return new(_buffer.Slice(0, _admitted), read.IsCanceled, read.IsCompleted && end);
        }
        var passed = _buffer.GetPosition(_refused);
        // The refused part has been skipped, and there may be more behind it.
        source.AdvanceTo(passed, _refused > 0 ? passed : _buffer.End);
        _refused = 0;
        return null;
    }

    /// <summary>Moves on to the first message that is refused or incomplete.</summary>
    /// <returns>Whether there is nothing more to judge.</returns>
    private bool Judge()
    {
        while (_refused == 0)
        {
            var admission = frames.Judge(_buffer.Slice(_admitted), out var length);
            if (admission == Verdict.Admitted)
            {
                _admitted += length;
                continue;
            }
            if (admission == Verdict.Incomplete) return true;
            refused(admission);
            if (admission == Verdict.Malformed) throw Ended();
            _refused = length;
        }
        return false;
    }

    private ConnectionAbortedException Ended() => new($"The client sent {frames.Reason}.");
}

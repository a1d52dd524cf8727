using System.Buffers;
using System.Text;
using System.Text.Json.Nodes;

namespace OrleansKms.Silo.Verbs.Rewrap;

/// <summary>
/// A run: reads records in batches, has several batches rewrapped at once, and appends them in the order of the input. Its memory does not
/// grow with the file.
/// </summary>
internal sealed class RewrapJob
{
    private readonly RewrapOptions _options;
    private readonly RewrapFiles _files;
    private readonly RewrapCalls _calls;
    private readonly PrimaryVersions? _primaries;
    private readonly RecordReader _reader;
    private long _uncheckpointed;

    /// <summary>A run over files that are open.</summary>
    /// <param name="options">What it was told.</param>
    /// <param name="files">The files.</param>
    /// <param name="send">Sends a call to the service.</param>
    /// <param name="time">The clock.</param>
    public RewrapJob(RewrapOptions options, RewrapFiles files, Func<ServiceCall, CancellationToken, Task<ServiceAnswer>> send, TimeProvider time)
    {
        (_options, _files) = (options, files);
        _calls = new(send, options.Patience, time);
        _primaries = options.KeepsPrimary ? new(send, options.Patience, time) : null;
        _reader = new(files.Input, options.Format, files.Progress.Lines + 1);
    }

    /// <summary>Runs to the end of the input.</summary>
    /// <param name="appended">Hears of every batch that was appended.</param>
    /// <param name="cancellationToken">Ends it before; it can be gone on with.</param>
    /// <exception cref="VerbException">It cannot go on now; what was done is on the disk.</exception>
    public async Task Run(Action appended, CancellationToken cancellationToken)
    {
        await ReadHeader(cancellationToken);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var underWay = new Queue<Task<List<RewrapRecord>>>();
        try
        {
            for (var isAtEnd = false; !isAtEnd || underWay.Count > 0;)
            {
                while (!isAtEnd && underWay.Count < _options.Concurrency)
                {
                    var batch = ReadBatch();
                    isAtEnd = batch.Count == 0;
                    if (!isAtEnd) underWay.Enqueue(Rewrap(batch, stop.Token));
                }

                if (underWay.Count == 0) break;
                Append(await underWay.Dequeue());
                appended();
            }
        }
        catch
        {
            await stop.CancelAsync();
            await ((Task)Task.WhenAll(underWay)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _files.Checkpoint();
            throw;
        }

        _files.Finish();
    }

    // A run that goes on has to know the header too, which is at the beginning.
    private async Task ReadHeader(CancellationToken cancellationToken)
    {
        if (!_options.Format.HasHeader) return;
        if (_files.Progress.Input == 0)
        {
            if (_reader.Read() is not { } first) return;
            _options.Format.ReadHeader(first);
            _files.Append(first, first, [], progress => progress);
            return;
        }

        await using var input = new FileStream(_options.Input, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        cancellationToken.ThrowIfCancellationRequested();
        _options.Format.ReadHeader(new RecordReader(input, _options.Format, line: 1).Read()!);
    }

    private List<RewrapRecord> ReadBatch()
    {
        var (batch, size, length) = (new List<RewrapRecord>(), 0L, 0L);
        // Half of what a call can have leaves room for one more record of any size that the service takes.
        while (batch.Count < _options.Batch && size < KmsLimits.BatchBytes / 2 && length < RecordFormat.MaxRecord)
        {
            var line = _reader.Line;
            if (_reader.Read() is not { } bytes) break;
            batch.Add(RecordOf(line, bytes));
            size += batch[^1].Size;
            length += bytes.Length;
        }

        return batch;
    }

    private RewrapRecord RecordOf(long line, byte[] bytes)
    {
        try
        {
            var fields = _options.Format.Read(bytes);
            if (fields.Ciphertext is null) return new(line, bytes) { Outcome = RewrapOutcome.Empty };
            var key = _options.Key ?? fields.Key ?? (CiphertextHeader.TryRead(fields.Ciphertext, out var header) ? header.KeyId : null);
            if (key is null) return new(line, bytes) { Outcome = RewrapOutcome.Failed(KmsError.InvalidCiphertext.Code, "It is no ciphertext of this service: it does not name a key.") };
            // Such a key makes a call of many records fail, and not its own alone.
            if (!RewrapRecord.IsKey(key)) return new(line, bytes) { Outcome = RewrapOutcome.Failed(KmsError.InvalidKeyId.Code, "What names the key is neither an id nor an alias.") };
            return new(line, bytes) { Fields = fields, AssociatedData = fields.AssociatedData ?? _options.AssociatedData, Key = key };
        }
        catch (FormatException e)
        {
            return new(line, bytes) { Outcome = RewrapOutcome.Failed("invalid_line", e.Message) };
        }
    }

    private async Task<List<RewrapRecord>> Rewrap(List<RewrapRecord> batch, CancellationToken cancellationToken)
    {
        if (_primaries is not null)
        {
            foreach (var record in batch)
            {
                if (record.Outcome is null && CiphertextHeader.TryRead(record.Fields.Ciphertext, out var header)
                    && await _primaries.IsPrimary(record.Key!, header, cancellationToken))
                {
                    record.Outcome = RewrapOutcome.Kept;
                }
            }
        }

        await _calls.Rewrap([.. batch.Where(record => record.Outcome is null)], cancellationToken);
        return batch;
    }

    private void Append(List<RewrapRecord> batch)
    {
        var (records, output, report) = (new ArrayBufferWriter<byte>(), new ArrayBufferWriter<byte>(), new ArrayBufferWriter<byte>());
        var counts = new long[4];
        foreach (var record in batch)
        {
            var outcome = record.Outcome ?? throw new InvalidOperationException("internal error: a record was passed over.");
            counts[(int)outcome.Kind]++;
            records.Write(record.Bytes);
            Write(output, record, outcome);
            if (outcome.Kind == RewrapOutcomeKind.Failed) report.Write(LineOf(record, outcome));
        }

        _files.Append(records.WrittenSpan, output.WrittenSpan, report.WrittenSpan, done => done with
        {
            Empty = done.Empty + counts[(int)RewrapOutcomeKind.Empty],
            Kept = done.Kept + counts[(int)RewrapOutcomeKind.Kept],
            Rewrapped = done.Rewrapped + counts[(int)RewrapOutcomeKind.Rewrapped],
            Failed = done.Failed + counts[(int)RewrapOutcomeKind.Failed],
        });
        _uncheckpointed += batch.Count;
        if (_uncheckpointed < _options.Checkpoint) return;
        _files.Checkpoint();
        _uncheckpointed = 0;
    }

    private static void Write(ArrayBufferWriter<byte> output, RewrapRecord record, RewrapOutcome outcome)
    {
        if (outcome.Base64 is null)
        {
            output.Write(record.Bytes);
            return;
        }

        var (start, length) = record.Fields.Place.GetOffsetAndLength(record.Bytes.Length);
        var mark = record.Fields.IsQuoted ? "\"" : "";
        output.Write(record.Bytes.AsSpan(0, start));
        output.Write(Encoding.ASCII.GetBytes($"{mark}{outcome.Base64}{mark}"));
        output.Write(record.Bytes.AsSpan(start + length));
    }

    private static byte[] LineOf(RewrapRecord record, RewrapOutcome outcome) => Encoding.UTF8.GetBytes(new JsonObject
    {
        ["line"] = record.Line,
        ["last_line"] = record.LastLine,
        ["key_id"] = record.Key,
        ["code"] = outcome.Code,
        ["detail"] = outcome.Detail,
    }.ToJsonString() + "\n");
}

using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;
using OrleansKms.Files;
using OrleansKms.Grains.Audit.Transparency;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Audit.Trail;

/// <summary>How a trail is written.</summary>
internal sealed record TrailOptions
{
    /// <summary>When a record file is full: by default at 256 MiB or after a day.</summary>
    public FileLimits Limits { get; init; } = new(256 * 1024 * 1024, TimeSpan.FromDays(1));

    /// <summary>Whether a record counts as written only once it is on disk, not just in the kernel.</summary>
    public bool Sync { get; init; }

    /// <summary>Whether callers do not wait. Records are then written within 50 ms, and retried until they are.</summary>
    public bool Deferred { get; init; }

    /// <summary>How often a checkpoint is signed, if there are new records.</summary>
    public TimeSpan Every { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a caller waits for a shared write.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How often a checkpoint is also archived.</summary>
    public TimeSpan KeepEvery { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Flushes an open record file to disk.</summary>
    public Action<SafeFileHandle> Flush { get; init; } = LibC.FlushFile;
}

/// <summary>
/// A log of records on disk, append-only and signed every second. A checkpoint covers only what is on disk, so no crash loses a signed
/// record.
/// </summary>
internal sealed partial class AuditTrail : IAsyncDisposable
{
    private const long NotUnsigned = long.MinValue;

    private static readonly TimeSpan _maxUnsigned = TimeSpan.FromSeconds(30);

    private readonly TrailFolder _folder;
    private readonly NoteSigner _signer;
    private readonly TrailOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<AuditTrail> _logger;
    private readonly IDisposable _lock;
    private readonly RecordWriter _writer;
    private TrailTree? _tree;
    private readonly SemaphoreSlim _turn = new(1);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _signing;
    private DateTimeOffset _kept;
    private long _keptFile;
    private long _keptSize = -1;
    private long _unsignedSince = NotUnsigned;
    private bool _isFailing;
    private volatile SignedNote _head;

    private AuditTrail(
        TrailFolder folder, NoteSigner signer, TrailOptions options, TimeProvider time, ILogger<AuditTrail> logger, IDisposable @lock,
        Checkpoint? anchor)
    {
        (_folder, _signer, _options, _time, _logger, _lock) = (folder, signer, options, time, logger, @lock);
        var note = folder.ReadHead();
        if (note is null && folder.WhyNotNew() is { } reason)
        {
            throw new BrokenTrailException(reason);
        }

        var head = note is null ? null : Checkpoint.Open(note, signer.Verifier)
            ?? throw new BrokenTrailException("The checkpoint was not signed by this log's key.");
        _tree = TrailTree.Open(folder, head, out var written, out var signed);
        if (anchor is not null && (anchor.Size > _tree.Size || _tree.RootOf(anchor.Size) != anchor.Root))
        {
            throw new BrokenTrailException($"it does not begin with the {anchor.Size} records that the database has a checkpoint of");
        }

        _head = note ?? Sign(_tree);
        _keptFile = written.File.First;
        SetAside = TrailFolder.SetAside(written);
        if (SetAside is not null)
        {
            TailSetAside(written.Records, SetAside);
        }

        _writer = new(folder, written, signed, options, time);
        _signing = KeepSigning();
    }

    /// <summary>Raised for each new checkpoint, in order of size; handlers must not throw.</summary>
    public event Action<Checkpoint, SignedNote>? Signed;

    /// <summary>The log's verifier key.</summary>
    public NoteVerifier Key => _signer.Verifier;

    /// <summary>The number of records.</summary>
    public long Records => _writer.Records;

    /// <summary>The last signed checkpoint.</summary>
    public SignedNote Head => _head;

    /// <summary>The file with what a crash left unreadable beyond the last checkpoint; null if there was nothing.</summary>
    public string? SetAside { get; }

    /// <summary>Whether records get to the files and to disk, as far as is known.</summary>
    public bool IsWritable => _writer.Failure is null;

    /// <summary>Whether it is writable, and signed before long.</summary>
    public bool IsHealthy => IsWritable && (Volatile.Read(ref _unsignedSince) is var since && (since == NotUnsigned || _time.GetElapsedTime(since) < _maxUnsigned));

    /// <summary>Opens a log, or starts one in an empty folder.</summary>
    /// <param name="folder">The log's folder.</param>
    /// <param name="signer">The log's key; disposed with the trail.</param>
    /// <param name="options">How it is written.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">For signing failures.</param>
    /// <param name="anchor">A checkpoint of it that is kept elsewhere; null if there is none.</param>
    /// <exception cref="BrokenTrailException">Its files do not match its last checkpoint or the other one. No record was changed, nothing signed.</exception>
    /// <exception cref="IOException">Another process has it open, or it cannot be read or flushed.</exception>
    public static AuditTrail Open(
        TrailFolder folder, NoteSigner signer, TrailOptions options, TimeProvider time, ILogger<AuditTrail> logger, Checkpoint? anchor = null)
    {
        folder.Prepare();
        var owner = folder.Lock();
        try
        {
            folder.WriteKey(signer.Verifier);
            return new(folder, signer, options, time, logger, owner, anchor);
        }
        catch (InvalidDataException e)
        {
            owner.Dispose();
            throw new BrokenTrailException(e.Message);
        }
        catch
        {
            owner.Dispose();
            throw;
        }
    }

    /// <inheritdoc cref="RecordWriter.Append"/>
    public ValueTask Append(ReadOnlySpan<byte> members) => _writer.Append(members);

    /// <summary>Signs everything written so far.</summary>
    /// <exception cref="IOException">The disk does not accept it.</exception>
    public Task<Checkpoint> SignNow() => SignNow(isLast: false);

    private async Task<Checkpoint> SignNow(bool isLast)
    {
        await _turn.WaitAsync();
        try
        {
            Interlocked.CompareExchange(ref _unsignedSince, _time.GetTimestamp(), NotUnsigned);
            await WritePending();
            var checkpoint = SignWritten(isLast);
            Volatile.Write(ref _unsignedSince, NotUnsigned);
            _isFailing = false;
            return checkpoint;
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Writes and signs what is pending.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _signing;
        if (await _writer.Complete() is > 0 and var lost)
        {
            NotWritten(lost);
        }

        try
        {
            // While the file is still open: the checkpoint covers only what is on disk.
            await SignNow(isLast: true);
        }
        catch (Exception e)
        {
            NotSigned(e);
        }

        await _writer.DisposeAsync();
        LetGo();
    }

    private void LetGo()
    {
        _lock.Dispose();
        _signer.Dispose();
        _turn.Dispose();
        _stopping.Dispose();
    }

    private async Task KeepSigning()
    {
        using var timer = new PeriodicTimer(_options.Every, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stopping.Token))
            {
                try
                {
                    await DiskWork.Run(SignNow);
                }
                catch (Exception e)
                {
                    // Whatever it is, it must not end the signing.
                    if (!_isFailing)
                    {
                        NotSigned(e);
                    }

                    _isFailing = true;
                }
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    private async Task WritePending()
    {
        try
        {
            await _writer.WritePending();
        }
        catch (Exception e) when (e is IOException or TimeoutException)
        {
            // What is written is signed all the same, and whoever appends next hears of it.
        }
    }

    private Checkpoint SignWritten(bool isLast)
    {
        // After a failure, the tree in memory is not trusted.
        var tree = _tree ?? TrailTree.Load(_folder, Checkpoint.Parse(_head.Text)!);
        _tree = null;
        var written = _writer.Written;
        var checkpoint = Checkpoint.Parse(_head.Text)!;
        if (written.Records > checkpoint.Size || !IsWritable)
        {
            written = _writer.Flush();
        }

        if (written.Records > checkpoint.Size)
        {
            tree.Follow(written);
            tree.KeepPartialTiles();
            _head = Sign(tree);
        }

        _tree = tree;
        checkpoint = Checkpoint.Parse(_head.Text)!;
        var now = _time.GetUtcNow();
        if (written.File.First != _keptFile || now - _kept >= _options.KeepEvery || (isLast && checkpoint.Size != _keptSize))
        {
            _folder.KeepCheckpoint(checkpoint.Size, _head);
            (_kept, _keptFile, _keptSize) = (now, written.File.First, checkpoint.Size);
        }

        return checkpoint;
    }

    private SignedNote Sign(TrailTree tree)
    {
        var checkpoint = new Checkpoint(_signer.Verifier.Name, tree.Size, tree.Root);
        var note = _signer.Sign(checkpoint.ToText());
        _folder.WriteHead(note);
        Signed?.Invoke(checkpoint, note);
        return note;
    }

    [LoggerMessage(LogLevel.Error, "A crash left records of the audit trail out of order, from record {Next} on; no checkpoint covers them, and they were moved to {Path}")]
    private partial void TailSetAside(long next, string path);

    [LoggerMessage(LogLevel.Error, "{Count} records of the audit trail could not be written before the silo stopped and are lost")]
    private partial void NotWritten(int count);

    [LoggerMessage(LogLevel.Error, "The audit trail could not be signed: records since the last checkpoint cannot be verified yet. Retrying every second.")]
    private partial void NotSigned(Exception cause);
}

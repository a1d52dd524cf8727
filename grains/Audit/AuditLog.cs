using System.Diagnostics.Metrics;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using OrleansKms.Files;
using OrleansKms.Grains.Audit.Trail;
using OrleansKms.Grains.Audit.Transparency;
using OrleansKms.Grains.Clocks;
using OrleansKms.Grains.Storage;
using OrleansKms.Grains.Telemetry;

namespace OrleansKms.Grains.Audit;

/// <summary>
/// This silo's log of the audit trail. It opens before any grain runs and closes after the last one has ended. A log that was changed or
/// has lost records is left untouched, and a new one starts with a record of that.
/// </summary>
internal sealed partial class AuditLog : IAuditHealth, ILifecycleParticipant<ISiloLifecycle>, IDisposable
{
    private static readonly TimeSpan _retry = TimeSpan.FromSeconds(1);
    private static readonly Counter<long> _failures = new Meter(KmsMeter.Name).CreateCounter<long>(
        "audit_failures", description: "Operations refused because their record could not be written.");

    private static readonly AssociatedDataMac _noMac = new(new(AssociatedDataMac.Length));

    private readonly AuditOptions _options;
    private readonly AuditSecrets _secrets;
    private readonly AuditAnchors _anchors;
    private readonly AuditUpkeep _upkeep;
    private readonly ILocalSiloDetails _silo;
    private readonly string _serviceId;
    private readonly TimeProvider _time;
    private readonly ILoggerFactory _loggers;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<(string Action, string? Detail)> _early = [];
    private AuditTrail? _trail;
    private AssociatedDataMac _mac = _noMac;
    private JsonEncodedText _name;
    private TrailFolder _folder = null!;
    private Task _keeping = Task.CompletedTask;
    private long _failedAt;

    /// <summary>Creates the log; it opens with the silo.</summary>
    public AuditLog(
        AuditOptions options, AuditSecrets secrets, AuditAnchors anchors, AuditUpkeep upkeep, ILocalSiloDetails silo, IOptions<ClusterOptions> cluster,
        [FromKeyedServices(ClockNames.Keys)] TimeProvider time, ILoggerFactory loggers)
    {
        (_options, _secrets, _anchors, _upkeep, _silo, _time, _loggers) = (options, secrets, anchors, upkeep, silo, time, loggers);
        _serviceId = cluster.Value.ServiceId;
        _logger = loggers.CreateLogger<AuditLog>();
    }

    /// <summary>Whether operations are recorded.</summary>
    public bool IsOn => _options.Mode != AuditMode.Off;

    /// <inheritdoc/>
    public bool? IsHealthy => IsOn ? Failure is null && _trail is { IsHealthy: true } : null;

    /// <summary>The last write failure; null while writes succeed.</summary>
    public IOException? Failure { get; private set; }

    /// <summary>
    /// Whether a change may be attempted: as far as is known, its record can be written. After a failure, one attempt a second is let
    /// through to find out whether it is over.
    /// </summary>
    public bool IsWritable => !IsOn || ((Failure is null || _time.GetElapsedTime(_failedAt) > _retry) && _trail is null or { IsWritable: true });

    /// <summary>Writes a record. In blocking mode, completes when the record is written.</summary>
    /// <exception cref="KmsException">audit_unavailable: it was not recorded, so the answer must be withheld.</exception>
    public ValueTask Write(in AuditRecord record)
    {
        if (!IsOn)
        {
            return ValueTask.CompletedTask;
        }

        if (_trail is not { } trail)
        {
            return ValueTask.FromException(Unavailable(null));
        }

        ValueTask written;
        try
        {
            written = trail.Append(AuditRecordFormat.Members(record, _name, _time.GetUtcNow().UtcDateTime, _mac));
        }
        catch (ObjectDisposedException e)
        {
            return ValueTask.FromException(Unavailable(e));
        }

        if (written.IsCompletedSuccessfully)
        {
            Failure = null;
            return written;
        }

        return new(Wait(written.AsTask()));
    }

    /// <summary>Records what the service itself did. Before the log is open, the record is queued.</summary>
    /// <exception cref="KmsException">audit_unavailable.</exception>
    public ValueTask WriteSystem(string action, string? detail = null)
    {
        lock (_early)
        {
            if (_trail is null)
            {
                _early.Add((action, detail));
                return ValueTask.CompletedTask;
            }
        }

        return Write(new(action, AuditRecord.Ok) { Detail = detail });
    }

    /// <summary>After a failure, writes a record to find out whether it is over, since no caller may come to try.</summary>
    public async Task TryResume()
    {
        if (Failure is { } failure)
        {
            try
            {
                await Write(new("audit-resume", AuditRecord.Ok) { Detail = $"Records could not be written: {failure.Message}" });
            }
            catch (KmsException)
            {
                // It is not over yet.
            }
        }
    }

    /// <inheritdoc/>
    public void Participate(ISiloLifecycle lifecycle)
    {
        if (IsOn)
        {
            // Row storage starts at ApplicationServices; grains run after this stage.
            lifecycle.Subscribe(nameof(AuditLog), ServiceLifecycleStage.ApplicationServices + 1, Open, Close);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stopping.Dispose();
        _mac.Dispose();
    }

    private async Task Wait(Task written)
    {
        try
        {
            await written;
            Failure = null;
        }
        catch (Exception e) when (e is IOException or TimeoutException)
        {
            if (Failure is null)
            {
                LogNotWritten(e);
            }

            _failures.Add(1);
            _failedAt = _time.GetTimestamp();
            Failure = e as IOException ?? new IOException("Records were not written in time.", e);
            throw Unavailable(e);
        }
    }

    private async Task Open(CancellationToken cancellationToken)
    {
        try
        {
            await OpenTrail(cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartRefusedException($"The audit log in {_options.Directory} cannot be opened: {e.Message}", e);
        }
        catch (Exception e) when (e is System.Data.Common.DbException or DatabaseUnreachableException or StorageFailedException or KmsException)
        {
            throw new StartRefusedException(
                $"The database cannot open the audit log: {(e.InnerException ?? e).Message} (in a cluster: did deploy/sql/roles.sql run after migrate?)", e);
        }
    }

    private async Task OpenTrail(CancellationToken cancellationToken)
    {
        _mac = new(await _secrets.FindOrMake(AuditRow.OfService));
        var (trail, reason) = await OpenNewest(cancellationToken);
        trail ??= await Begin();
        List<(string Action, string? Detail)> early;
        lock (_early)
        {
            _trail = trail;
            early = [.. _early];
        }

        if (reason is not null)
        {
            await WriteSystem("audit-begin", reason);
        }

        if (trail.SetAside is { } aside)
        {
            await WriteSystem("audit-cut", $"Records that a crash left out of order were moved to {aside}");
        }

        foreach (var (action, detail) in early)
        {
            await WriteSystem(action, detail);
        }

        await WriteSystem("start", _silo.SiloAddress.ToParsableString());
        await _upkeep.TakeEventsNow(this);
        _keeping = _upkeep.Run(this, _folder, _stopping.Token);
    }

    private async Task Close(CancellationToken cancellationToken)
    {
        if (_trail is null)
        {
            return;
        }

        await _upkeep.TakeEventsNow(this);
        try
        {
            await WriteSystem("stop", _silo.SiloAddress.ToParsableString());
        }
        catch (KmsException)
        {
            // It has been logged; nothing more can be done.
        }

        await _trail.DisposeAsync();
        await _stopping.CancelAsync();
        await _keeping;
        await _upkeep.Finish(cancellationToken);
    }

    /// <summary>Opens the newest log in the directory.</summary>
    /// <returns>Null and the reason if a new one must be started.</returns>
    private async Task<(AuditTrail? Trail, string? Reason)> OpenNewest(CancellationToken cancellationToken)
    {
        PrivateFile.PrepareDirectory(_options.Directory);
        var newest = TrailFolder.In(_options.Directory).LastOrDefault(folder => !folder.IsLocked);
        if (newest is null)
        {
            return (null, null);
        }

        using var seed = await _secrets.Find(AuditRow.OfLog(newest.Id));
        if (seed is null)
        {
            return Left(newest, "the database does not have its key");
        }

        try
        {
            var anchor = await _anchors.Find(newest.Id, cancellationToken);
            var anchored = anchor is null ? null : Checkpoint.Parse(SignedNote.Parse(System.Text.Encoding.UTF8.GetBytes(anchor.Checkpoint))?.Text ?? "")
                ?? throw new BrokenTrailException("the checkpoint of it in the database cannot be read");
            return (Open(newest, seed, anchored), null);
        }
        catch (BrokenTrailException e)
        {
            return Left(newest, e.Message);
        }
    }

    private (AuditTrail?, string) Left(TrailFolder folder, string reason)
    {
        LogLeft(folder.Path, reason);
        return (null, $"The log {folder.Id} was not continued: {reason}");
    }

    private async Task<AuditTrail> Begin()
    {
        var id = FormattableString.Invariant($"{_time.GetUtcNow():yyyyMMddTHHmmssfff}-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}");
        using var seed = await _secrets.FindOrMake(AuditRow.OfLog(id));
        return Open(new(Path.Combine(_options.Directory, id)), seed);
    }

    private AuditTrail Open(TrailFolder folder, Cryptography.SecretBytes seed, Checkpoint? anchor = null)
    {
        var name = $"orleans-kms/{_serviceId}/{folder.Id}";
        var options = new TrailOptions
        {
            Limits = new(_options.MaxFileBytes, _options.MaxFileAge),
            Sync = _options.Sync,
            Patience = _options.Patience,
            Deferred = _options.Mode == AuditMode.Async,
        };
        var trail = AuditTrail.Open(folder, new(name, seed), options, _time, _loggers.CreateLogger<AuditTrail>(), anchor);
        (_folder, _name) = (folder, JsonEncodedText.Encode(folder.Id));
        var key = trail.Key.ToString();
        trail.Signed += (checkpoint, note) =>
            _upkeep.Anchor(new(folder.Id, key, _silo.SiloAddress.ToParsableString(), checkpoint.Size, note.ToString(), default));
        return trail;
    }

    private static KmsException Unavailable(Exception? cause) =>
        new(KmsError.AuditUnavailable.Code, "The audit trail cannot be written, so answers are withheld; try again once it can.", cause);

    [LoggerMessage(LogLevel.Error, "The audit trail cannot be written: operations are refused until it can")]
    private partial void LogNotWritten(Exception cause);

    [LoggerMessage(LogLevel.Error, "The audit log {Path} cannot be continued, so a new one starts: {Reason}. Keep the old log and investigate.")]
    private partial void LogLeft(string path, string reason);
}

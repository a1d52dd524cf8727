using System.Collections.Frozen;
using Microsoft.Extensions.Logging;
using Orleans.Storage;
using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Keys;

// The activation's own life: reading, the end of the key, failures, deactivation.
public sealed partial class KeyGrain
{
    // Refusals that may be out of date as an answer may.
    private static readonly FrozenSet<string> _saysHowTheKeyIs = new[]
    {
        KmsError.KeyNotFound, KmsError.KeyDisabled, KmsError.KeyPendingDeletion, KmsError.KeyPendingImport, KmsError.KeyDestroyed,
        KmsError.VersionNotUsable, KmsError.KeyExhausted,

        // Of a version that another activation has made since.
        KmsError.InvalidCiphertext,
    }.Select(e => e.Code).ToFrozenSet(StringComparer.Ordinal);

    private static readonly TimeSpan _deletionsRestAfterRestore = TimeSpan.FromHours(24);
    private static readonly Caller _self = new("okms", "silo", "-");

    private readonly Absence _absence = new();
    private IGrainTimer? _saveTimer;

    /// <summary>Writes the exact counters and lets go of the material.</summary>
    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        await StopRotating(cancellationToken);
        ForgetEncryptPath();
        _ciphers.Dispose();
        try
        {
            if (_slot is { State: RowState.Known or RowState.InDoubt, Row: { } row } && (_usage.IsLoaded || _usage.HasUnsaved))
            {
                await _usage.Save(row.Incarnation, exact: true).WaitAsync(cancellationToken);
            }
        }
        catch (Exception e) when (e is KmsException or StorageFailedException or InconsistentStateException or OperationCanceledException)
        {
            // Nothing is lost: the count resumes at the reserved ceiling.
            LogCountersNotSaved(Id, e);
        }
        finally
        {
            _ciphers.Dispose();
        }

        await base.OnDeactivateAsync(reason, cancellationToken);
    }

    /// <summary>The key as it is now, after what is due to be erased of it.</summary>
    private async Task<KeyRow> Current()
    {
        var row = await Settled();

        // A log that is not read puts it off: the reminder comes again.
        return KeyErasures.Next(row) is { } at && _changes.HasRoom && await _erasures.IsPast(at) ? await EraseDue(row) : row;
    }

    /// <summary>
    /// Whether the database was put back from a backup within a day and a deletion of this epoch is from before that: it may have
    /// been cancelled since the backup, and there must be time to do so again, since what an HSM destroys no backup brings back.
    /// </summary>
    private async Task<bool> Rests(int epoch) =>
        epoch < _epoch.Number && !await _erasures.IsPast(_epoch.StartedAt + _deletionsRestAfterRestore);

    /// <summary>The key as it is now, also after a rotation that may or may not have been committed.</summary>
    private async ValueTask<KeyRow> Settled()
    {
        if (_slot is not { State: RowState.InDoubt, NeedsRead: false, Row: { } before })
        {
            return await Load();
        }

        await _slot.Read();
        ForgetEncryptPath();
        var row = await Load();
        if (row.PrimaryVersion > before.PrimaryVersion)
        {
            // A restore goes by these lines. If the version is another activation's, it is said twice.
            await _changes.KeyChanged(Id, "rotate-by-plan", row.PrimaryVersion, null, _self);
        }

        return row;
    }

    private ValueTask<KeyRow> Load() => _slot is { NeedsRead: false, Row: { } row } ? new(row) : LoadSlowly();

    private async ValueTask<KeyRow> LoadSlowly()
    {
        await LoadSlot();
        if (_slot.Row is { } row)
        {
            return row;
        }

        throw KmsError.KeyNotFound.Exception();
    }

    /// <summary>
    /// Callers can name any id, and be refused for whatever reason before or after the row is looked for: an activation that has
    /// no row must not stay in memory.
    /// </summary>
    private void EndIfAbsent()
    {
        if (_slot.Row is null)
        {
            _absence.End(this, () => _slot.Row is null, DeactivateOnIdle);
        }
    }

    void IMayBeAbsent.EndIfAbsent() => EndIfAbsent();

    private async Task LoadSlot()
    {
        // One read for all who wait: decryptions interleave.
        while (_slot.NeedsRead)
        {
            var loading = _loading ??= LoadOnce();
            try
            {
                await loading;
            }
            finally
            {
                if (_loading == loading)
                {
                    _loading = null;
                }
            }
        }
    }

    private async Task LoadOnce()
    {
        ForgetEncryptPath();
        _ciphers.Dispose();
        await _slot.Read();
        if (_slot.Row is { ErasePending.Count: > 0 } row)
        {
            await Erase(row);
        }

        // It is there, unless somebody cleared the table.
        if (_slot.Row is { } read && KeyErasures.Next(read) is not null && !await HasDeletionReminder())
        {
            await Remind(read);
        }
    }

    /// <summary>
    /// Erases the material of destroyed versions, where it is stored and where it lives. The destruction is committed already, so
    /// a failure here is not the caller's: it is repeated at the next activation, and a reminder sees to it that there is one.
    /// </summary>
    private async Task<KeyRow> Erase(KeyRow row)
    {
        if (row.ErasePending.Count == 0)
        {
            return row;
        }

        try
        {
            await _versionRows.Erase(row);
            return ReferenceEquals(row, _slot.Row)
                ? await Write(row, row with { ErasePending = [] })
                : _slot.Row ?? row;
        }
        catch (Exception e) when (e is StorageFailedException or InconsistentStateException
            || (e as KmsException)?.Error == KmsError.HsmUnavailable)
        {
            // A lost race is one with another activation, or with a decryption that interleaved, that erases them too.
            LogErasePending(Id, row.ErasePending.Count, e);
            await Remind(row);
            return row;
        }
    }

    /// <summary>Sees to it that what is counted in memory is written within 10 seconds.</summary>
    private void SaveSoon() => _saveTimer ??= this.RegisterGrainTimer(SaveCounters, new()
    {
        DueTime = TimeSpan.FromSeconds(10),
        Period = TimeSpan.FromSeconds(10),
        Interleave = true,
    });

    private async Task SaveCounters(CancellationToken cancellationToken)
    {
        if (_slot is not { Row: { } row, NeedsRead: false } || !_usage.HasUnsaved)
        {
            _saveTimer?.Dispose();
            _saveTimer = null;
            return;
        }

        await Observe(SaveAll(row));
    }

    private async Task SaveAll(KeyRow row)
    {
        await _usage.Load(row.Incarnation);
        await _usage.Save(row.Incarnation, exact: false);
    }

    /// <summary>Sees to the failure of a write that nobody waits for.</summary>
    private async Task Observe(Task write)
    {
        try
        {
            await write;
        }
        catch (Exception e)
        {
            Translated(e);
        }
    }

    /// <summary>
    /// Another activation of this key has written: this one ends. What it still has to answer it answers from what is stored.
    /// </summary>
    private void LostRace()
    {
        _slot.Invalidate();
        ForgetEncryptPath();
        _usage.Invalidate();
        _ciphers.Dispose();
        LogLostRace(Id);
        DeactivateOnIdle();
    }

    private const int MostLostRaces = 3;

    /// <summary>Runs an operation, lets nothing but expected failures out, and no answer from a row that may be out of date.</summary>
    /// <param name="operation">The operation.</param>
    /// <param name="isRepeatable">
    /// Whether it may run again where a row turns out to have changed behind it. What has made its change does not: that it
    /// was committed shows that it went by the newest row.
    /// </param>
    private async Task<T> Guarded<T>(Func<Task<T>> operation, bool isRepeatable = false)
    {
        try
        {
            for (var lostRaces = 0; ;)
            {
                var writes = _slot.Writes;
                try
                {
                    var answer = await WithMaterialOfToday(operation);
                    if (_mark is null || (!isRepeatable && writes != _slot.Writes) || await _mark.Settle())
                    {
                        return answer;
                    }
                }
                catch (KmsException e) when (_mark is not null && writes == _slot.Writes && _saysHowTheKeyIs.Contains(e.Code))
                {
                    if (await _mark.Settle())
                    {
                        throw;
                    }
                }
                catch (KmsException)
                {
                    throw;
                }
                catch (InconsistentStateException) when (isRepeatable && lostRaces++ < MostLostRaces)
                {
                    // As when a silo stops: its activation writes its last counters while this one, which has taken over, reserves.
                    LostRace();
                }
                catch (Exception e)
                {
                    throw Translated(e);
                }
            }
        }
        finally
        {
            EndIfAbsent();
        }
    }

    /// <summary>
    /// Runs an operation, and once more when the row was sealed anew behind this activation and the KEK of what it holds is
    /// gone. Material is opened before anything is written, so nothing happens twice.
    /// </summary>
    private async Task<T> WithMaterialOfToday<T>(Func<Task<T>> operation)
    {
        try
        {
            return await operation();
        }
        catch (MaterialOutdatedException)
        {
            _slot.Invalidate();
            return await operation();
        }
    }

    private KmsException Translated(Exception exception)
    {
        switch (exception)
        {
            case KmsException expected:
                return expected;
            case InconsistentStateException:
                LostRace();
                return KmsError.Conflict.Exception("Another activation of the key changed it at the same time; try again.");
            case MaterialOutdatedException:
                return KmsError.KeyCorrupted.Exception();
            case StorageFailedException failure:
                LogStorageFailed(Id, failure.OutcomeUnknown, failure);
                return KmsError.StorageUnavailable.Exception();
            default:
                LogUnexpected(Id, exception);
                return KmsError.Internal.Exception();
        }
    }

    [LoggerMessage(LogLevel.Warning, "key {KeyId}: another activation wrote; this one ends")]
    private partial void LogLostRace(string keyId);

    [LoggerMessage(LogLevel.Warning, "key {KeyId}: storage failed, outcome unknown: {OutcomeUnknown}")]
    private partial void LogStorageFailed(string keyId, bool outcomeUnknown, Exception exception);

    [LoggerMessage(LogLevel.Warning, "key {KeyId}: exact counters were not saved; the count resumes at the reserved ceiling")]
    private partial void LogCountersNotSaved(string keyId, Exception exception);

    [LoggerMessage(LogLevel.Warning, "key {KeyId}: material of {Count} destroyed versions is still to be erased")]
    private partial void LogErasePending(string keyId, int count, Exception exception);

    [LoggerMessage(LogLevel.Error, "key {KeyId}: unexpected failure")]
    private partial void LogUnexpected(string keyId, Exception exception);
}

using Microsoft.Extensions.Logging;
using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys;

// Rotation by time. It comes due on its own, perhaps while no version can be made, and that must not stop the key: callers go on
// under the old version, which is as good as it was a moment ago. Rotation by use, the limits of an algorithm and the rotation
// after a restore are not here: what they forbid must not happen.
public sealed partial class KeyGrain
{
    // The first callers wait this long for the new version, so that a rotation is usually seen by the use that brings it about.
    private static readonly TimeSpan _rotationPatience = TimeSpan.FromSeconds(2);

    private readonly RotationBackoff _rotationBackoff = new();
    private Task _rotating = Task.CompletedTask;
    private IGrainTimer? _rotationRetry;
    private bool _isRotationPutOff;
    private bool _rotatesNoMore;

    /// <summary>Whether an overdue rotation is to be made now: neither put off, nor overdue by a clock that may be wrong.</summary>
    private bool MayRotateByTime => !_isRotationPutOff && _clock.Problem is null;

    /// <summary>
    /// Rotates the key if that is overdue and was not put off. The attempt runs by itself; the caller waits for it briefly, and
    /// once: after that it is nobody's to wait for, nor is the timer's that repeats it.
    /// </summary>
    /// <returns>Whether there was an attempt, so that what the caller knew may have changed.</returns>
    private async ValueTask<bool> RotateIfOverdue()
    {
        if (!MayRotateByTime || _slot is not { NeedsRead: false, Row: { } row } || !KeyRotation.IsOverdue(row, Now))
        {
            return false;
        }

        var rotating = BeginToRotate();
        try
        {
            await rotating.WaitAsync(_rotationPatience);
        }
        catch (TimeoutException)
        {
            if (!rotating.IsCompleted)
            {
                PutRotationOff(row, "it takes long");
            }
        }

        return true;
    }

    private Task BeginToRotate() => _rotating.IsCompleted ? _rotating = RotateOverdue() : _rotating;

    /// <summary>One attempt. It does not throw.</summary>
    private async Task RotateOverdue()
    {
        KeyRow? row = null;
        try
        {
            await WithMaterialOfToday(async () =>
            {
                row = await Settled();
                await RotateOverdue(row);
                return true;
            });
            RotationIsKept();
        }
        catch (Exception e)
        {
            var failure = Translated(e);
            KeyInstruments.RotationFailed(failure.Code);
            if (row is not null)
            {
                PutRotationOff(row, failure.Message);
            }

            TryRotationLater();
        }
    }

    private async Task RotateOverdue(KeyRow row)
    {
        if (!KeyRotation.IsOverdue(row, Now) || _clock.Problem is not null)
        {
            return;
        }

        // Where the database hangs, these hang, and not the commit: they touch nothing that anybody waits for. The last one is always
        // a write, so a database that confirms none is found out, and the new version has uses to spend as soon as it is there.
        var next = KeyRotation.Plan(row, _epoch, Now);
        _changes.RequireRoom();
        await _versionRows.Keep(row);
        await _usage.Load(row.Incarnation);
        await _usage.Reserve(_usage.Meter(next.Number), Policy(row), row.Incarnation, wanted: 1);
        using (await _turns.Begin())
        {
            // What changed the row meanwhile may have rotated the key. If not, the next use begins anew.
            if (ReferenceEquals(row, _slot.Row) && !_slot.NeedsRead)
            {
                await MakeVersion(next, _self, "rotate-by-plan", permitsTheSame: true);
            }
        }
    }

    private void TryRotationLater()
    {
        if (!_isRotationPutOff)
        {
            return;
        }

        _rotationRetry?.Dispose();
        _rotationRetry = this.RegisterGrainTimer(_ => BeginToRotate(), new()
        {
            DueTime = _rotationBackoff.Next(),
            Period = Timeout.InfiniteTimeSpan,
            Interleave = true,
        });
    }

    /// <summary>From now on callers go on under the old version.</summary>
    private void PutRotationOff(KeyRow row, string why)
    {
        if (_isRotationPutOff || _rotatesNoMore)
        {
            return;
        }

        _isRotationPutOff = true;
        KeyInstruments.RotationOverdue(1);
        LogRotationPutOff(Id, row.NextRotationAt, row.PrimaryVersion, why);
    }

    /// <summary>The rotation was made, or is not overdue any more.</summary>
    private void RotationIsKept()
    {
        _rotationRetry?.Dispose();
        _rotationRetry = null;
        _rotationBackoff.Reset();
        if (_isRotationPutOff)
        {
            _isRotationPutOff = false;
            KeyInstruments.RotationOverdue(-1);
        }
    }

    /// <summary>Ends what tries to rotate the key, with its activation. A write that is under way is waited for.</summary>
    private async Task StopRotating(CancellationToken cancellationToken)
    {
        _rotatesNoMore = true;
        try
        {
            await _rotating.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // The silo stops. What the write comes to, the next activation reads.
        }

        RotationIsKept();
    }

    [LoggerMessage(LogLevel.Warning,
        "key {KeyId}: the rotation due at {DueAt} could not be made ({Reason}); the key goes on under version {Version}, and it is tried again")]
    private partial void LogRotationPutOff(string keyId, DateTimeOffset? dueAt, int version, string reason);
}

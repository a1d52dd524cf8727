using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Keys.Usage;

namespace OrleansKms.Grains.Keys.Activation;

/// <summary>
/// Rotation by time. It becomes due on its own, perhaps while no version can be made, and that must not stop the key: callers
/// continue under the old version, which is as good as it was a moment ago. Rotation by use, an algorithm's limits and the
/// rotation after a restore are not here: what they forbid must not happen.
/// </summary>
internal sealed class OverdueRotation
{
    // The first callers wait this long for the new version, so that usually the use that triggers a rotation also sees it.
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(2);

    private readonly KeyActivation _key;
    private readonly RotationBackoff _backoff = new();
    private Task _rotating = Task.CompletedTask;
    private IGrainTimer? _retry;
    private bool _isPutOff;
    private bool _hasStopped;

    /// <summary>For one key.</summary>
    public OverdueRotation(KeyActivation key)
    {
        _key = key;
        KeyInstruments.RotationOverdue(0);
    }

    /// <summary>Whether a due rotation is to be made now: it was not put off, and the clock can be trusted.</summary>
    public bool MayRotate => !_isPutOff && _key.Services.Clock.Problem is null;

    /// <summary>
    /// Rotates the key if that is overdue and was not put off. The attempt runs independently; the caller waits for it briefly,
    /// and once. After that nothing waits for it, not even the timer that retries it.
    /// </summary>
    /// <returns>Whether there was an attempt, so that the caller's knowledge may be out of date.</returns>
    public async ValueTask<bool> RotateIfDue()
    {
        if (!MayRotate || _key.Slot is not { NeedsRead: false, Row: { } row } || !KeyRotation.IsOverdue(row, _key.Now))
        {
            return false;
        }

        var rotating = Begin();
        try
        {
            await rotating.WaitAsync(_patience);
        }
        catch (TimeoutException)
        {
            if (!rotating.IsCompleted)
            {
                PutOff(row, "it takes long");
            }
        }

        return true;
    }

    /// <summary>The rotation was made, or is no longer overdue.</summary>
    public void IsKept()
    {
        _retry?.Dispose();
        _retry = null;
        _backoff.Reset();
        if (_isPutOff)
        {
            _isPutOff = false;
            KeyInstruments.RotationOverdue(-1);
        }
    }

    /// <summary>Stops trying to rotate the key, when the activation ends. Waits for a write in progress.</summary>
    public async Task Stop(CancellationToken cancellationToken)
    {
        _hasStopped = true;
        try
        {
            await _rotating.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // The silo is stopping. The next activation reads the outcome of the write.
        }

        IsKept();
    }

    private Task Begin() => _rotating.IsCompleted ? _rotating = Attempt() : _rotating;

    /// <summary>One attempt. Never throws.</summary>
    private async Task Attempt()
    {
        KeyRow? row = null;
        try
        {
            await _key.WithMaterialOfToday(async () =>
            {
                row = await _key.Settled();
                await Rotate(row);
                return true;
            });
            IsKept();
        }
        catch (Exception e)
        {
            var failure = _key.Gate.Translated(e);
            KeyInstruments.RotationFailed(failure.Code);
            if (row is not null)
            {
                PutOff(row, failure.Message);
            }

            TryLater();
        }
    }

    private async Task Rotate(KeyRow row)
    {
        if (!KeyRotation.IsOverdue(row, _key.Now) || _key.Services.Clock.Problem is not null)
        {
            return;
        }

        // If the database hangs, these hang, and not the commit: nothing that anyone waits for depends on them. The last one is
        // always a write, so a database that confirms none is found out, and the new version has uses to spend from the start.
        var next = KeyRotation.Plan(row, _key.Services.Epoch, _key.Now);
        _key.Services.Changes.RequireRoom();
        await _key.VersionRows.Keep(row);
        await _key.History.MakeRoom(row);
        await _key.Spare.Make(row);
        await _key.Usage.Load(row.Incarnation);
        await _key.Usage.Reserve(_key.Usage.Meter(next.Number), UsagePolicy.Of(row), row.Incarnation, wanted: 1);
        using (await _key.Turns.Begin())
        {
            // Whatever changed the row in between may have rotated the key. If not, the next use starts again.
            if (ReferenceEquals(row, _key.Slot.Row) && !_key.Slot.NeedsRead)
            {
                await VersionMaking.Make(_key, next, new(KeyServices.Self, "rotate-by-plan", Reason: "by time"), permitsTheSame: true);
            }
        }
    }

    private void TryLater()
    {
        if (!_isPutOff)
        {
            return;
        }

        _retry?.Dispose();
        _retry = _key.Grain.RegisterGrainTimer(
            _ => Begin(), new GrainTimerCreationOptions(_backoff.Next(), Timeout.InfiniteTimeSpan) { Interleave = true });
    }

    /// <summary>From now on callers continue under the old version.</summary>
    private void PutOff(KeyRow row, string why)
    {
        if (_isPutOff || _hasStopped)
        {
            return;
        }

        _isPutOff = true;
        KeyInstruments.RotationOverdue(1);
        _key.Services.Logger.RotationPutOff(_key.Id, row.NextRotationAt, row.PrimaryVersion, why);
    }
}

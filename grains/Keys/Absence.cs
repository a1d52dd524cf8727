namespace OrleansKms.Grains.Keys;

/// <summary>
/// The end of an activation whose row does not exist. It comes a second later: calls that wait while an activation ends are
/// sent on to the next one, and of many calls for one missing name all but the first few would be sent on until Orleans gives
/// them up, and be answered that the service is not available.
/// </summary>
internal sealed class Absence
{
    private static readonly TimeSpan _later = TimeSpan.FromSeconds(1);
    private IGrainTimer? _timer;

    /// <summary>Ends the activation in a while.</summary>
    /// <param name="grain">The grain.</param>
    /// <param name="isAbsent">Whether the row is still missing then; a create may have come meanwhile.</param>
    /// <param name="end">Ends the activation.</param>
    public void End(IGrainBase grain, Func<bool> isAbsent, Action end) => _timer ??= grain.RegisterGrainTimer(
        _ =>
        {
            _timer?.Dispose();
            _timer = null;
            if (isAbsent())
            {
                end();
            }

            return Task.CompletedTask;
        },
        new GrainTimerCreationOptions(_later, Timeout.InfiniteTimeSpan));
}

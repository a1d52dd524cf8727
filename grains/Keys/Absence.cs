namespace OrleansKms.Grains.Keys;

/// <summary>
/// Ends an activation whose row does not exist, after a second. Calls that arrive while an activation ends are forwarded to the
/// next one; with many calls for one missing name, all but the first few would be forwarded until Orleans gives up on them, and
/// fail as if the service were not available.
/// </summary>
internal sealed class Absence
{
    private static readonly TimeSpan _later = TimeSpan.FromSeconds(1);
    private IGrainTimer? _timer;

    /// <summary>Ends the activation a second later.</summary>
    /// <param name="grain">The grain.</param>
    /// <param name="isAbsent">Whether the row is still missing then; a create may have come in the meantime.</param>
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

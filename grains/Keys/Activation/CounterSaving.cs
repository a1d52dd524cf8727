using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys.Activation;

/// <summary>Makes sure that counts in memory are written within 10 seconds.</summary>
internal sealed class CounterSaving(KeyActivation key)
{
    private static readonly TimeSpan _period = TimeSpan.FromSeconds(10);
    private IGrainTimer? _timer;

    /// <summary>Something was counted.</summary>
    public void SaveSoon() => _timer ??= key.Grain.RegisterGrainTimer(
        Save, new GrainTimerCreationOptions(_period, _period) { Interleave = true });

    private async Task Save(CancellationToken cancellationToken)
    {
        if (key.Slot is not { Row: { } row, NeedsRead: false } || !key.Usage.HasUnsaved)
        {
            _timer?.Dispose();
            _timer = null;
            return;
        }

        await key.Gate.Observe(SaveAll(row));
    }

    private async Task SaveAll(KeyRow row)
    {
        await key.Usage.Load(row.Incarnation);
        await key.Usage.Save(row.Incarnation, exact: false);
    }
}

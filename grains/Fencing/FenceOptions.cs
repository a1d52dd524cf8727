using OrleansKms.Configuration;

namespace OrleansKms.Grains.Fencing;

/// <summary>
/// How long an activation that another silo has overtaken may go on answering from what it knows: three intervals while the
/// database answers, and the grace period while it does not.
/// </summary>
public sealed record FenceOptions
{
    /// <summary>How many intervals may pass without a poll before operations wait for one.</summary>
    public const int Intervals = 3;

    /// <summary>How often the database is asked what changed, and how long its answer may take.</summary>
    public TimeSpan Interval { get; init; } = SettingTable.FenceInterval.Default;

    /// <summary>
    /// How long keys go on answering without a successful poll before they return <c>storage_unavailable</c>; at least
    /// <see cref="Intervals"/> intervals.
    /// </summary>
    public TimeSpan Grace { get; init; } = SettingTable.FenceGrace.Default;

    /// <summary>Throws for a value out of range.</summary>
    /// <exception cref="StartRefusedException">Names the value.</exception>
    internal void Validate()
    {
        if (!SettingTable.FenceInterval.Allows(Interval))
        {
            throw new StartRefusedException($"The fence's interval must be {SettingTable.FenceInterval.Rule}.");
        }

        if (Grace < Interval * Intervals || !SettingTable.FenceGrace.Allows(Grace))
        {
            throw new StartRefusedException($"The fence's grace must be at least {Intervals} of its intervals, and {SettingTable.FenceGrace.Rule}.");
        }
    }
}

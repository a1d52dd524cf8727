namespace OrleansKms.Grains.Fencing;

/// <summary>
/// How long an activation that another silo has overtaken may go on answering from what it knows: three intervals while the
/// database answers, the grace while it does not.
/// </summary>
public sealed record FenceOptions
{
    /// <summary>The shortest interval.</summary>
    public static readonly TimeSpan ShortestInterval = TimeSpan.FromMilliseconds(500);

    /// <summary>The longest interval.</summary>
    public static readonly TimeSpan LongestInterval = TimeSpan.FromSeconds(30);

    /// <summary>The longest grace.</summary>
    public static readonly TimeSpan LongestGrace = TimeSpan.FromHours(1);

    /// <summary>How many intervals may pass without a poll before an operation waits for one.</summary>
    public const int Intervals = 3;

    /// <summary>How often the database is asked what changed, and how long its answer may take. 0.5 to 30 s, default 2 s.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// How long keys answer without a successful poll before they answer <c>storage_unavailable</c>. Three intervals to an
    /// hour, default 5 min.
    /// </summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Throws on a value out of range.</summary>
    /// <exception cref="StartRefusedException">Names the value.</exception>
    internal void Validate()
    {
        if (Interval < ShortestInterval || Interval > LongestInterval)
        {
            throw new StartRefusedException("The fence's interval must be 0.5 to 30 seconds.");
        }

        if (Grace < Interval * Intervals || Grace > LongestGrace)
        {
            throw new StartRefusedException("The fence's grace must be at least three of its intervals and at most an hour.");
        }
    }
}

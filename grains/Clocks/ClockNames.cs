namespace OrleansKms.Grains.Clocks;

/// <summary>The service keys of clocks.</summary>
public static class ClockNames
{
    /// <summary>
    /// The clock that keys use: for rotation, deletion and times of use. Separate from the clock of Orleans' own timers, so that
    /// a test can move one without the other.
    /// </summary>
    public const string Keys = "okms.clock";
}

namespace OrleansKms.Grains.Clocks;

/// <summary>The keys of clocks among the services.</summary>
public static class ClockNames
{
    /// <summary>
    /// The clock that keys go by: rotation, deletion, times of use. Apart from the clock that Orleans' own timers go by, so that
    /// a test can move one without the other.
    /// </summary>
    public const string Keys = "okms.clock";
}

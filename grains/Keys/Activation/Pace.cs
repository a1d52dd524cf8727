namespace OrleansKms.Grains.Keys.Activation;

/// <summary>
/// How long work that need not wait has run without letting others run. A batch of signatures would hold its key, and a thread, for
/// seconds.
/// </summary>
internal readonly struct Pace
{
    private const long Milliseconds = 10;

    private readonly long _until;

    private Pace(long until) => _until = until;

    /// <summary>Whether others are to run now. Costs next to nothing.</summary>
    public bool IsOver => Environment.TickCount64 >= _until;

    /// <summary>Begins now.</summary>
    public static Pace Begin() => new(Environment.TickCount64 + Milliseconds);
}

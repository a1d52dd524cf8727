using OrleansKms.Configuration;

namespace OrleansKms.Grains.Keys.Activation;

/// <summary>
/// Until when work is worth doing: after that whoever asked for it has gone. It keeps a tenth of the caller's time, in which the answer
/// returns, so that the caller hears of what was done.
/// </summary>
internal readonly struct Deadline
{
    private readonly long _at;

    private Deadline(long at) => _at = at;

    /// <summary>For work that is always quick.</summary>
    public static Deadline None => new(long.MaxValue);

    /// <summary>Whether it has passed. Costs next to nothing.</summary>
    public bool IsOver => Environment.TickCount64 >= _at;

    /// <summary>The deadline of a call that begins now.</summary>
    /// <param name="within">How long its caller waits; any value, null for the default.</param>
    public static Deadline Of(TimeSpan? within) => new(Environment.TickCount64 + (long)(Wait(within).TotalMilliseconds * 0.9));

    /// <summary>How long a caller waits, within reason.</summary>
    /// <param name="within">How long it says; any value, null for the default.</param>
    public static TimeSpan Wait(TimeSpan? within) => within switch
    {
        null => SettingTable.RequestTimeout.Default,
        { } wait when wait <= TimeSpan.Zero => TimeSpan.Zero,
        { } wait when wait >= KmsLimits.MaxRequestTimeout => KmsLimits.MaxRequestTimeout,
        { } wait => wait,
    };

    /// <summary>Cancels when it passes; the caller disposes it.</summary>
    public CancellationTokenSource Timer() => _at == long.MaxValue
        ? new()
        : new(TimeSpan.FromMilliseconds(Math.Max(0, _at - Environment.TickCount64)));
}

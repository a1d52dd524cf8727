namespace OrleansKms.Grains.Keys.Activation;

/// <summary>
/// How long to wait before retrying a rotation: a second, doubling to a minute, with jitter, so that keys whose rotations failed
/// together do not all retry together.
/// </summary>
internal sealed class RotationBackoff
{
    private static readonly TimeSpan _min = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _max = TimeSpan.FromMinutes(1);

    private TimeSpan _next = _min;

    /// <summary>The next pause: between half of its nominal length and all of it.</summary>
    public TimeSpan Next()
    {
        var pause = _next;
        _next = pause * 2 < _max ? pause * 2 : _max;
        return pause * (1 - (Random.Shared.NextDouble() / 2));
    }

    /// <summary>Starts over.</summary>
    public void Reset() => _next = _min;
}

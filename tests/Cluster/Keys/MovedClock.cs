using OrleansKms.Grains.Clocks;

namespace OrleansKms.Tests.Cluster.Keys;

/// <summary>The real clock, and what a test adds to it, as a suspension does.</summary>
internal sealed class MovedClock : BootClock
{
    private long _moved;

    public override long Now => base.Now + Volatile.Read(ref _moved);

    public void Advance(TimeSpan time) => Interlocked.Add(ref _moved, time.Ticks * TimeSpan.NanosecondsPerTick);
}

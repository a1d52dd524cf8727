using OrleansKms.Grains.Keys.Activation;

namespace OrleansKms.Tests.Unit.Keys;

/// <summary>How long a call may take, whatever its caller says.</summary>
public sealed class DeadlineTests
{
    [Fact]
    public void Wait_IsWithinReason_WhateverTheCallerSays()
    {
        Assert.Equal(TimeSpan.FromSeconds(5), Deadline.Wait(null));
        Assert.Equal(TimeSpan.FromSeconds(7), Deadline.Wait(TimeSpan.FromSeconds(7)));
        foreach (var none in (TimeSpan[])[TimeSpan.Zero, TimeSpan.FromTicks(-1), TimeSpan.MinValue])
        {
            Assert.Equal(TimeSpan.Zero, Deadline.Wait(none));
            Assert.True(Deadline.Of(none).IsOver);
            using var passed = Deadline.Of(none).Timer();
            Assert.True(passed.Token.WaitHandle.WaitOne());
        }

        foreach (var endless in (TimeSpan[])[TimeSpan.FromDays(50), TimeSpan.MaxValue])
        {
            Assert.Equal(KmsLimits.MaxRequestTimeout, Deadline.Wait(endless));
            using var timer = Deadline.Of(endless).Timer();
            Assert.False(timer.IsCancellationRequested);
        }

        Assert.False(Deadline.None.IsOver);
    }
}

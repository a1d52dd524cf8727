namespace OrleansKms.Tests.Unit.Contracts;

public sealed class Iso8601DurationTests
{
    [Theory]
    [InlineData("P90D", 90 * 86400.0, "P90D")]
    [InlineData("PT1H", 3600, "PT1H")]
    [InlineData("PT24H", 86400, "P1D")]
    [InlineData("P1DT2H3M4S", 93784, "P1DT2H3M4S")]
    [InlineData("PT0S", 0, "PT0S")]
    [InlineData("PT0.5S", 0.5, "PT0.5S")]
    [InlineData("PT1.5000000S", 1.5, "PT1.5S")]
    [InlineData("PT90M", 5400, "PT1H30M")]
    [InlineData("PT0.0000001S", 0.0000001, "PT0.0000001S")]
    public void TryParse_Duration_IsReadAndWritten(string text, double seconds, string written)
    {
        Assert.True(Iso8601Duration.TryParse(text, out var duration));
        Assert.Equal(TimeSpan.FromSeconds(seconds), duration);
        Assert.Equal(written, Iso8601Duration.Format(duration));
    }

    [Theory]
    [InlineData("")]
    [InlineData("P")]
    [InlineData("PT")]
    [InlineData("P1")]
    [InlineData("1D")]
    [InlineData("P1Y")]
    [InlineData("P1W")]
    [InlineData("P1Y1D")]
    [InlineData("P1MT1M")]
    [InlineData("-PT1S")]
    [InlineData("PT1.5M")]
    [InlineData("PT1.50000000S")]
    [InlineData("P1M")]
    [InlineData("P1Y2M3D")]
    [InlineData("P1DT")]
    [InlineData("P1H")]
    [InlineData("PT1D")]
    [InlineData("PT1M1H")]
    [InlineData("P1D1W")]
    [InlineData("P1D1D")]
    [InlineData("P1DT1HT1M")]
    [InlineData("-P1D")]
    [InlineData("P-1D")]
    [InlineData("P+1D")]
    [InlineData("P1.5D")]
    [InlineData("PT.5S")]
    [InlineData("PT5.S")]
    [InlineData("PT1,5S")]
    [InlineData("PT1.00000001S")]
    [InlineData("p1d")]
    [InlineData(" P1D")]
    [InlineData("P1D ")]
    [InlineData("P\u0661D")]
    [InlineData("P999999999999W")]
    [InlineData("P99999999999999999999D")]
    [InlineData("P00000000000000000000000000000000001D")]
    public void TryParse_NotADuration_IsRefused(string text) => Assert.False(Iso8601Duration.TryParse(text, out _));

    [Fact]
    public void Format_AnyDuration_IsReadBack()
    {
        var random = new Random(1);
        for (var i = 0; i < 10_000; i++)
        {
            var duration = new TimeSpan(random.NextInt64(TimeSpan.TicksPerDay * 3650));
            Assert.True(Iso8601Duration.TryParse(Iso8601Duration.Format(duration), out var read));
            Assert.Equal(duration, read);
        }
    }
}

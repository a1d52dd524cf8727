using OrleansKms.Gateway.Observability;

namespace OrleansKms.Tests.Unit.Gateway;

/// <summary>Which parts make a process unfit for requests.</summary>
public sealed class HealthTests
{
    [Fact]
    public void SiloWhoseClockIsOff_IsNeitherReadyNorHealthy()
    {
        var health = new Health(Cluster: true, Database: true, Hsm: null);
        Assert.True(health is { IsReady: true, IsHealthy: true });
        Assert.True(health with { ClockProblem = "ahead" } is { IsReady: false, IsHealthy: false });
    }

    [Theory]
    [InlineData(0, true, false, false, "the database")]
    [InlineData(1, true, true, false, "the HSM")]
    [InlineData(2, true, true, true, "its cluster")]
    [InlineData(0, false, false, null, "the database")]
    [InlineData(2, false, true, null, "its cluster")]
    public void SiloThatStarts_IsNotReady_AndTellsWhatItWaitsFor(int step, bool hasHsm, bool database, bool? hsm, string waitsFor)
    {
        var health = Health.Starting(new Start((StartStep)step, hasHsm));
        Assert.True(health is { IsReady: false, IsHealthy: false, Cluster: false });
        Assert.Equal((database, hsm), (health.Database, health.Hsm));
        Assert.Equal($"The silo is starting and waits for {waitsFor}.", Assert.Single(health.Problems));
    }

    [Fact]
    public void HsmThatIsAway_LeavesItReady() =>
        Assert.True(new Health(Cluster: true, Database: true, Hsm: false) is { IsReady: true, IsHealthy: false });

    private sealed record Start(StartStep Step, bool HasHsm) : IStartProgress;
}

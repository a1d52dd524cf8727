using OrleansKms.Gateway.Operation;

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

    [Fact]
    public void HsmThatIsAway_LeavesItReady() =>
        Assert.True(new Health(Cluster: true, Database: true, Hsm: false) is { IsReady: true, IsHealthy: false });
}

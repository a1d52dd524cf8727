using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using OrleansKms.Gateway.Cluster;

namespace OrleansKms.Tests.Unit.Gateway;

public sealed class ClusterLinkTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly ClusterLink _link;

    public ClusterLinkTests() => _link = new(_time, NullLogger<ClusterLink>.Instance);

    [Fact]
    public void InProcess_IsAlwaysConnected()
    {
        Assert.True(ClusterLink.InProcess.IsConnected);
        Assert.False(ClusterLink.InProcess.IsRemote);
        Assert.True(ClusterLink.InProcess.Connected.IsCompletedSuccessfully);
        Assert.False(ClusterLink.InProcess.Lost.IsCompleted);
    }

    [Fact]
    public async Task Silo_IsConnected_OnceItHasStarted()
    {
        var link = ClusterLink.OfStartingSilo();
        Assert.False(link.IsConnected);
        Assert.False(link.IsRemote);
        Assert.False(await link.IsConnectedSoon(TimeSpan.FromMinutes(1)));
        var connected = link.Connected;
        link.SiloHasStarted();
        Assert.True(link.IsConnected);
        Assert.True(connected.IsCompletedSuccessfully);
    }

    [Fact]
    public void Remote_IsConnected_OnceStartedAndWhileThereIsAConnection()
    {
        Assert.False(_link.IsConnected);
        _link.NotifyGatewayCountChanged(1, 0, true);
        Assert.False(_link.IsConnected);
        var connected = _link.Connected;
        _link.Start();
        Assert.True(_link.IsConnected);
        Assert.True(connected.IsCompletedSuccessfully);
        var lost = _link.Lost;
        _link.NotifyGatewayCountChanged(0, 1, false);
        Assert.False(_link.IsConnected);
        Assert.True(lost.IsCompletedSuccessfully);
        Assert.False(_link.Connected.IsCompleted);
    }

    [Fact]
    public void Counts_ThatArriveInTheWrongOrder_AddUp()
    {
        _link.Start();
        _link.NotifyGatewayCountChanged(1, 0, true);
        _link.NotifyGatewayCountChanged(2, 1, false);
        _link.NotifyGatewayCountChanged(0, 1, false);
        Assert.True(_link.IsConnected);
        _link.NotifyGatewayCountChanged(1, 2, false);
        Assert.False(_link.IsConnected);
    }

    [Fact]
    public async Task Soon_BeforeTheStart_IsNoAtOnce() => Assert.False(await _link.IsConnectedSoon(TimeSpan.FromMinutes(1)));

    [Fact]
    public async Task Soon_AfterALoss_WaitsForAWhile_AndThenNoMore()
    {
        _link.Start();
        _link.NotifyGatewayCountChanged(1, 0, true);
        _link.NotifyGatewayCountChanged(0, 1, false);
        var recovers = _link.IsConnectedSoon(TimeSpan.FromMinutes(1)).AsTask();
        Assert.False(recovers.IsCompleted);
        _link.NotifyGatewayCountChanged(1, 0, true);
        Assert.True(await recovers);

        _link.NotifyGatewayCountChanged(0, 1, false);
        var stays = _link.IsConnectedSoon(TimeSpan.FromMinutes(1)).AsTask();
        Assert.False(stays.IsCompleted);
        var hasLessTime = _link.IsConnectedSoon(TimeSpan.FromSeconds(1)).AsTask();
        Assert.False(hasLessTime.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.False(await hasLessTime);
        Assert.False(stays.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.False(await stays);
        Assert.False(_link.IsConnectedSoon(TimeSpan.FromMinutes(1)).AsTask() is { IsCompleted: false });
    }
}

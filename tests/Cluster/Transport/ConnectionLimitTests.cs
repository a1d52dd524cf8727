using Microsoft.Extensions.Time.Testing;
using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Cluster.Transport;

/// <summary>The client port holds so many connections and no more.</summary>
public sealed class ConnectionLimitTests : IDisposable
{
    private readonly Certificates _certificates = new();
    private readonly int _port = ServiceProcess.FreePort();

    public void Dispose() => _certificates.Dispose();

    [Fact]
    public async Task ConnectionsBeyondTheLimit_AreClosed_WithAWarning_AndThereIsRoomAgainWhenOneEnds()
    {
        await using var silo = await StartSilo(max: 2);
        await using var first = await Client();
        await using (await Client())
        {
            using var third = await Stranger.Connect(_port);
            await third.Greet(_certificates.Files("gateway"));
            await third.UntilClosed();
            await silo.Log.Line("Warning", third.Name, "CN=gateway", "2 connections stand", "OKMS_MAX_CLIENT_CONNECTIONS is 2");
        }

        await silo.Connections.Until(connections => connections.Begun - connections.Ended == 1);
        await using var later = await Client();
        await first.Echo("one").Echo(new([1]));
        await later.Echo("one").Echo(new([1]));
    }

    [Fact]
    public async Task FloodOfStrangersWhoSayNothing_IsCutOff_AndTakesNoPlaceOfThoseWhoAreServed()
    {
        // By a clock that stands, no handshake is ever too late. A little ahead, so that the certificates are valid by it.
        await using var silo = await StartSilo(max: 2, new FakeTimeProvider(DateTimeOffset.UtcNow.AddMinutes(10)));
        await using var client = await Client();
        using var one = await Stranger.Connect(_port);
        using var two = await Stranger.Connect(_port);
        using var three = await Stranger.Connect(_port);

        // Connections are taken up side by side, so it may be any of them.
        var ends = new[] { one, two, three }.ToDictionary(stranger => stranger.UntilClosed(), stranger => stranger.Name);
        var closed = await Task.WhenAny(ends.Keys);
        await closed;

        await silo.Log.Line("Warning", ends[closed], "2 connections are in their handshake");
        Assert.All(ends.Keys.Where(end => end != closed), end => Assert.False(end.IsCompleted));
        await client.Echo("one").Echo(new([1]));
    }

    private Task<TlsHost> StartSilo(int max, TimeProvider? clock = null) =>
        TlsHost.StartSilo(_certificates.Silo("silo"), ServiceProcess.FreePort(), _port, clock: clock, maxClients: max);

    private Task<TlsHost> Client() => TlsHost.StartClient(_certificates.Gateway("gateway"), [_port]);
}

using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Cluster.Transport;

/// <summary>So many calls of all clients are in flight in a silo, and those beyond are refused at once.</summary>
public sealed class CallLimitTests : IDisposable
{
    private const int Max = 8;
    private const int MaxOfServices = 6;

    private readonly Certificates _certificates = new();
    private readonly int _port = ServiceProcess.FreePort();

    public void Dispose() => _certificates.Dispose();

    [Fact]
    public async Task CallsBeyondTheLimit_AreOverloadedAtOnce_OfAServiceBeforeThoseOfGateways_AndThereIsRoomAgain()
    {
        await using var silo = await TlsHost.StartSilo(_certificates.Silo("silo"), ServiceProcess.FreePort(), _port, maxCalls: Max);
        await using var service = await TlsHost.StartClient(_certificates.Client("service"), [_port]);
        await using var gateway = await TlsHost.StartClient(_certificates.Gateway("gateway"), [_port]);
        var (first, second) = (Key("first"), Key("second"));

        var held = Hold(service, first, MaxOfServices);
        await HeldEchoes.Of(first).Arrived(MaxOfServices);
        await Overloaded(service);
        await Overloaded(service);
        await gateway.Echo("one").Echo(new([1]));
        var ofGateway = Hold(gateway, second, Max - MaxOfServices);
        await HeldEchoes.Of(second).Arrived(Max - MaxOfServices);
        await Overloaded(gateway);
        await silo.Log.Line("Warning", $"{MaxOfServices} calls of services are in flight", $"OKMS_MAX_CLIENT_CALLS is {Max}");
        Assert.DoesNotContain(silo.Log.Lines, line => line.Contains("which was refused", StringComparison.Ordinal));

        HeldEchoes.Of(second).Release();
        Assert.All(await Task.WhenAll(ofGateway), answer => Assert.Equal([1], answer.Bytes));
        await Overloaded(service);
        await gateway.Echo("one").Echo(new([1]));
        HeldEchoes.Of(first).Release();
        Assert.All(await Task.WhenAll(held), answer => Assert.Equal([1], answer.Bytes));
        await service.Echo("one").Echo(new([1]));
    }

    [Fact]
    public async Task ClientThatGoesAway_LeavesThePlacesOfItsCalls()
    {
        await using var silo = await TlsHost.StartSilo(_certificates.Silo("silo"), ServiceProcess.FreePort(), _port, maxCalls: Max);
        await using var staying = await TlsHost.StartClient(_certificates.Client("staying"), [_port]);
        var key = Key("left");
        Task<EchoBytes>[] held;
        await using (var leaving = await TlsHost.StartClient(_certificates.Client("leaving"), [_port]))
        {
            held = Hold(leaving, key, MaxOfServices);
            await HeldEchoes.Of(key).Arrived(MaxOfServices);
            await Overloaded(staying);
        }

        await silo.Connections.Until(connections => connections.Begun - connections.Ended == 1);
        await staying.Echo("one").Echo(new([1]));
        HeldEchoes.Of(key).Release();
        await Task.WhenAll(held).ContinueWith(_ => { }, TaskScheduler.Default);
    }

    private static Task<EchoBytes>[] Hold(TlsHost client, string key, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => client.Echo(key).EchoHeld(new([1])))];

    private static async Task Overloaded(TlsHost client) => Assert.Equal(
        KmsError.Overloaded.Code, (await Assert.ThrowsAsync<KmsException>(() => client.Echo("one").Echo(new(new byte[100_000])))).Code);

    // Held calls are of the whole process.
    private static string Key(string name) => $"{name}-{Guid.NewGuid():N}";
}

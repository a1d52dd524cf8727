using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using OrleansKms.Gateway.Wires;
using OrleansKms.Tests.Cluster.Keys;
using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Cluster.Gateways;

/// <summary>A silo and a gateway that is its client.</summary>
public sealed class OneSiloAndAGateway : IAsyncLifetime
{
    private readonly string _directory = Directory.CreateTempSubdirectory("okms-test-").FullName;
    private TestSilo? _silo;
    private TestGateway? _gateway;

    internal TestSilo Silo => _silo!;

    internal TestGateway Gateway => _gateway!;

    public async Task InitializeAsync()
    {
        var (clusterId, port) = (Guid.NewGuid().ToString("N"), ServiceProcess.FreePort());
        _silo = await TestSilo.Start(new() { DataDirectory = _directory }, clusterId: clusterId, clientPort: port);
        _gateway = await TestGateway.Start(clusterId, port, TimeSpan.FromSeconds(20), Map, services => services.AddSingleton<IWireProtocol, SignedWire>());
        await _gateway.Link.Connected.WaitAsync(ServiceProcess.Patience);

        // A call that is slow because it is the first would be made again, and the tests count calls.
        foreach (var method in (string[])["read", "read-now"]) (await _gateway.Http.GetAsync($"/{method}/warm-{method}/dead/0")).Dispose();
    }

    public async Task DisposeAsync()
    {
        await _gateway!.DisposeAsync();
        await _silo!.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    // Routes of a host pass the gateway's front door, and its grain calls the same filter as those of the gateway.
    private void Map(WebApplication app) => app.MapGet("/{method}/{key}/{failure}/{times:int}", async (string method, string key, string failure, int times) =>
    {
        var grain = Gateway.Grains.GetGrain<IFailingGrain>(key);
        switch (method)
        {
            case "read": return await grain.Read(new(failure, times));
            case "read-now": return await grain.ReadNow(new(failure, times));
            case "change": return await grain.Change(new(failure, times));
            default:
                await grain.Remove(new(failure, times));
                return FailingGrain.CallsOf(key);
        }
    });
}

/// <summary>Calls that fail on their way, through the whole of Orleans' client.</summary>
public sealed class RepeatedCallsTests(OneSiloAndAGateway cluster) : IClassFixture<OneSiloAndAGateway>
{
    private readonly string _key = Guid.NewGuid().ToString("N");

    [Theory]
    [InlineData("read", "stopping")]
    [InlineData("read", "dead")]
    [InlineData("read", "late")]
    [InlineData("read-now", "dead")]
    [InlineData("change", "stopping")]
    [InlineData("remove", "stopping")]
    public async Task WorthIt_IsRepeated_UntilItSucceeds(string method, string failure) =>
        Assert.Equal((HttpStatusCode.OK, null, 4), await Call(method, failure, times: 3));

    [Theory]
    [InlineData("change", "dead", HttpStatusCode.ServiceUnavailable, "unavailable")]
    [InlineData("change", "late", HttpStatusCode.GatewayTimeout, "timeout")]
    [InlineData("remove", "dead", HttpStatusCode.ServiceUnavailable, "unavailable")]
    [InlineData("remove", "late", HttpStatusCode.GatewayTimeout, "timeout")]
    [InlineData("read", "refused", HttpStatusCode.ServiceUnavailable, "storage_unavailable")]
    [InlineData("read", "broken", HttpStatusCode.InternalServerError, "internal")]
    public async Task NotWorthIt_RanOnce_AndTheCallerIsTold(string method, string failure, HttpStatusCode status, string code) =>
        Assert.Equal((status, code, 1), await Call(method, failure, times: 1));

    [Theory]
    [InlineData("read")]
    [InlineData("read-now")]
    public async Task DataPlane_ThatIsNotAnswered_IsRepeatedLongBeforeTheDeadline(string method) =>
        Assert.Equal((HttpStatusCode.OK, null, 2), await Call(method, "silent", times: 1));

    [Fact]
    public async Task OutsideARequest_NothingIsRepeated()
    {
        await Assert.ThrowsAsync<SiloUnavailableException>(() => cluster.Gateway.Grains.GetGrain<IFailingGrain>(_key).Read(new("stopping", 1)));
        Assert.Equal(1, FailingGrain.CallsOf(_key));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void References_AreTheFactorys_WhichFindsTheTypeOnce(bool isClient)
    {
        var factory = isClient ? cluster.Gateway.Grains : cluster.Silo.Grains;
        var counted = CountedFactory.Of(factory, out var count);
        var (keys, aliases, random) = (new GrainReferences<IKeyGrain>(counted), new GrainReferences<IAliasGrain>(counted), new GrainReferences<IRandomGrain>(counted));
        string[] names = ["k0", "42", "042", "CAFE", "cafe", "=k0", "alias:k0", "payments.eu.cards", new string('x', 128)];
        foreach (var name in names)
        {
            Same(factory.GetGrain<IKeyGrain>(name), keys.Of(name));
            Same(factory.GetGrain<IAliasGrain>(name), aliases.Of(name));
        }

        foreach (var number in (long[])[0, 7, -1, long.MaxValue]) Same(factory.GetGrain<IRandomGrain>(number), random.Of(number));
        Assert.Equal(3, count());
        Assert.ThrowsAny<ArgumentException>(() => keys.Of(" "));
        Assert.ThrowsAny<ArgumentException>(() => new GrainReferences<IKeyGrain>(counted).Of(""));

        static void Same(IAddressable expected, IAddressable actual)
        {
            Assert.NotSame(expected, actual);
            Assert.Equal(expected, actual);
            Assert.Equal(expected.GetType(), actual.GetType());
            Assert.Equal(expected.GetGrainId(), actual.GetGrainId());
            Assert.Equal(((GrainReference)expected).InterfaceType, ((GrainReference)actual).InterfaceType);
            Assert.Equal(((GrainReference)expected).InterfaceVersion, ((GrainReference)actual).InterfaceVersion);
        }
    }

    private async Task<(HttpStatusCode Status, string? Code, int Calls)> Call(string method, string failure, int times)
    {
        using var answer = await cluster.Gateway.Http.GetAsync($"/{method}/{_key}/{failure}/{times}");
        var text = await answer.Content.ReadAsStringAsync();
        var code = answer.IsSuccessStatusCode ? null : JsonNode.Parse(text)!["code"]!.GetValue<string>();
        return (answer.StatusCode, code, FailingGrain.CallsOf(_key));
    }
}

/// <summary>A grain factory that counts the calls that find an interface's type out.</summary>
public class CountedFactory : System.Reflection.DispatchProxy
{
    private IGrainFactory? _factory;
    private int _calls;

    public static IGrainFactory Of(IGrainFactory factory, out Func<int> calls)
    {
        var counted = Create<IGrainFactory, CountedFactory>();
        var self = (CountedFactory)(object)counted;
        self._factory = factory;
        calls = () => self._calls;
        return counted;
    }

    protected override object? Invoke(System.Reflection.MethodInfo? targetMethod, object?[]? args)
    {
        if (targetMethod!.IsGenericMethod) _calls++;
        return targetMethod.Invoke(_factory, System.Reflection.BindingFlags.DoNotWrapExceptions, null, args, null);
    }
}

/// <summary>Failures that do not go away.</summary>
public sealed class RepeatedCallsDeadlineTests
{
    [Fact]
    public async Task FailureThatStays_IsRepeated_AndEndsWithTheRequestsDeadline()
    {
        using var directory = new TemporaryDirectory();
        var (clusterId, port, key) = (Guid.NewGuid().ToString("N"), ServiceProcess.FreePort(), Guid.NewGuid().ToString("N"));
        await using var silo = await TestSilo.Start(new() { DataDirectory = directory.Path }, clusterId: clusterId, clientPort: port);
        TestGateway? gateway = null;
        await using var started = gateway = await TestGateway.Start(clusterId, port, TimeSpan.FromSeconds(3), app =>
            app.MapGet("/read/{failure}", (string failure) => gateway!.Grains.GetGrain<IFailingGrain>(key + failure).Read(new(failure, int.MaxValue))));
        await gateway.Link.Connected.WaitAsync(ServiceProcess.Patience);
        // The deadline may cut the last call short, whose outcome is then unknown.
        Assert.Contains((await gateway.Http.GetAsync("/read/dead")).StatusCode, (HttpStatusCode[])[HttpStatusCode.ServiceUnavailable, HttpStatusCode.GatewayTimeout]);
        Assert.InRange(FailingGrain.CallsOf(key + "dead"), 2, 100);
        Assert.Equal(HttpStatusCode.GatewayTimeout, (await gateway.Http.GetAsync("/read/silent")).StatusCode);
        Assert.InRange(FailingGrain.CallsOf(key + "silent"), 1, 2);
    }
}

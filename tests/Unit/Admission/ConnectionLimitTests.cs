using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using OrleansKms.Silo.Clustering.Admission;
using OrleansKms.Transport;

namespace OrleansKms.Tests.Unit.Admission;

public sealed class ConnectionLimitTests : ILogger
{
    private readonly FakeTimeProvider _clock = new();
    private readonly List<string> _said = [];
    private readonly ConnectionLimit _limit;

    public ConnectionLimitTests() => _limit = new(Options.Create(new ClientPortOptions { MaxConnections = 4 }), _clock, this);

    [Fact]
    public void ServicesHoldThreeQuarters_AndGatewaysFindRoom()
    {
        var (service, gateway) = (Peer("okms:client"), Peer("okms:gateway"));
        var held = Enumerable.Range(0, 3).Select(_ => _limit.TryHold(service, null)).ToList();
        Assert.DoesNotContain(null, held);
        Assert.Null(_limit.TryHold(service, null));
        var last = _limit.TryHold(gateway, null);
        Assert.NotNull(last);
        Assert.Null(_limit.TryHold(gateway, null));

        held[0]!.Dispose();
        held[0]!.Dispose();
        Assert.NotNull(_limit.TryHold(service, null));
        Assert.Null(_limit.TryHold(service, null));
        last.Dispose();
        Assert.NotNull(_limit.TryHold(gateway, null));
    }

    [Fact]
    public void StrangersInTheirHandshake_TakeNoPlaceOfThoseWhoStand()
    {
        var greeting = Enumerable.Range(0, 4).Select(_ => _limit.TryGreet(null)).ToList();
        Assert.DoesNotContain(null, greeting);
        Assert.Null(_limit.TryGreet(null));
        Assert.NotNull(_limit.TryHold(ConnectedPeer.Unknown(), null));
        greeting[0]!.Dispose();
        Assert.NotNull(_limit.TryGreet(null));
    }

    [Fact]
    public void Refusals_AreSaidNowAndThen_WithHowManyTheyWere()
    {
        for (var i = 0; i < 4; i++) _limit.TryGreet(null);
        for (var i = 0; i < 100; i++) Assert.Null(_limit.TryGreet(null));
        Assert.Single(_said);
        _clock.Advance(TimeSpan.FromSeconds(11));
        _limit.TryGreet(null);
        Assert.Equal(2, _said.Count);
        Assert.EndsWith("since this was last said, 100 were.", _said[1], StringComparison.Ordinal);
    }

    IDisposable? ILogger.BeginScope<TState>(TState state) => null;

    bool ILogger.IsEnabled(LogLevel logLevel) => true;

    void ILogger.Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        Assert.Equal(LogLevel.Warning, logLevel);
        _said.Add(formatter(state, exception));
    }

    private static ConnectedPeer Peer(string role)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=peer", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddUri(new Uri(role));
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddMinutes(-1), DateTimeOffset.UtcNow.AddDays(1));
        return ConnectedPeer.Of(certificate);
    }
}

using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using OrleansKms.Gateway.Access;
using OrleansKms.Tests.Cluster.Transport;

namespace OrleansKms.Tests.Api;

/// <summary>A connection that outlives its right: the certificate that it began with, or the principal that this names. The clock is the test's.</summary>
public sealed class CertificateExpiryTests : IAsyncLifetime, IDisposable
{
    private readonly Certificates _certificates = new();
    private SilentGrains? _gateway;
    private X509Certificate2? _own;
    private int _connections;

    private SilentGrains Gateway => _gateway!;

    public async Task InitializeAsync()
    {
        var server = _certificates.Sign("server", usages: [Certificates.ServerUsage], hosts: ["localhost"]);
        var files = _certificates.Sign("cards", ["spiffe://shop/cards"], [Certificates.ClientUsage], validFor: TimeSpan.FromMinutes(10));
        _own = X509Certificate2.CreateFromPemFile(files.CertificateFile, files.KeyFile);
        _gateway = await SilentGrains.Start(TimeSpan.FromSeconds(5), tls: server);
        Gateway.Answers["Record"] = () => Task.CompletedTask;
        Tell(order: 1, isEnabled: true);
    }

    public async Task DisposeAsync() => await Gateway.DisposeAsync();

    public void Dispose()
    {
        _own?.Dispose();
        _certificates.Dispose();
    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task Certificate_ThatEnds_SignsInNobody_OnAConnectionThatStands_AndEndsThat(string version)
    {
        using var client = Client(version);
        using (var first = await Signed(client))
        {
            var who = JsonNode.Parse(await first.Content.ReadAsStringAsync())!;
            Assert.Equal(("cards", "certificate:spiffe://shop/cards"), ((string?)who["principal"], (string?)who["credential"]));
        }

        Gateway.Time.SetUtcNow(new DateTimeOffset(_own!.NotAfter) - TimeSpan.FromSeconds(1));
        using (var last = await client.GetAsync("/v1/whoami")) Assert.Equal(HttpStatusCode.OK, last.StatusCode);
        Gateway.Time.Advance(TimeSpan.FromSeconds(1));
        using (var refused = await client.GetAsync("/v1/whoami"))
        {
            Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
            Assert.Equal("The client certificate has expired.", (string?)JsonNode.Parse(await refused.Content.ReadAsStringAsync())!["detail"]);
        }

        Assert.Equal(1, _connections);
        using (await client.GetAsync("/health/live")) Assert.Equal(2, _connections);
    }

    [Fact]
    public async Task PrincipalDisabledElsewhere_SignsInNoMore_WithinTheBound_OnAConnectionThatStands()
    {
        using var client = Client("2.0");
        using (await Signed(client))
        {
        }

        Tell(order: 2, isEnabled: false);
        var disabledAt = Gateway.Time.GetUtcNow();
        while (true)
        {
            using var answer = await client.GetAsync("/v1/whoami");
            if (answer.StatusCode == HttpStatusCode.Unauthorized) break;
            Gateway.Time.Advance(TimeSpan.FromMilliseconds(100));
        }

        Assert.InRange(Gateway.Time.GetUtcNow() - disabledAt, TimeSpan.Zero, KnownPrincipals.RevokedWithin);
        Assert.Equal(1, _connections);
    }

    /// <summary>What silos tell from now on.</summary>
    private void Tell(long order, bool isEnabled)
    {
        var facts = new PrincipalFacts { Name = "cards", IsEnabled = isEnabled, Policies = [], Limits = [] };
        Gateway.Answers["Find"] = () => new ValueTask<FoundPrincipal>(new FoundPrincipal(facts));
        Gateway.Answers["Changes"] = () => new ValueTask<AccessChanges>(
            new AccessChanges(order, Everything: false, order == 1 ? [] : ["principal:cards"], TimeSpan.Zero, TimeSpan.FromDays(365)));
    }

    private HttpClient Client(string version) => new(new SocketsHttpHandler
    {
        SslOptions = new()
        {
            RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null,
            ClientCertificateContext = SslStreamCertificateContext.Create(_own!, additionalCertificates: null, offline: true),
        },
        PlaintextStreamFilter = (context, _) =>
        {
            Interlocked.Increment(ref _connections);
            return new(context.PlaintextStream);
        },
    })
    {
        BaseAddress = Gateway.Http.BaseAddress,
        DefaultRequestVersion = Version.Parse(version),
        DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
    };

    /// <summary>The first answer, once the gateway has heard what principals there are.</summary>
    private async Task<HttpResponseMessage> Signed(HttpClient client)
    {
        while (true)
        {
            var answer = await client.GetAsync("/v1/whoami");
            if (answer.StatusCode != HttpStatusCode.ServiceUnavailable)
            {
                Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
                return answer;
            }

            answer.Dispose();
            Gateway.Time.Advance(TimeSpan.FromMilliseconds(100));
        }
    }
}

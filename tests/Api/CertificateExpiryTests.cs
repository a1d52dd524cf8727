using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using OrleansKms.Tests.Cluster.Transport;

namespace OrleansKms.Tests.Api;

/// <summary>A connection that outlives the certificate that it began with.</summary>
public sealed class CertificateExpiryTests
{
    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task Certificate_ThatEnds_SignsInNobody_OnAConnectionThatStands_AndEndsThat(string version)
    {
        using var certificates = new Certificates();
        var server = certificates.Sign("server", usages: [Certificates.ServerUsage], hosts: ["localhost"]);
        await using var gateway = await SilentGrains.Start(TimeSpan.FromSeconds(5), tls: server);
        var facts = new PrincipalFacts { Name = "cards", IsEnabled = true, Policies = [], Limits = [] };
        gateway.Answers["Find"] = () => new ValueTask<FoundPrincipal>(new FoundPrincipal(facts));
        gateway.Answers["Record"] = () => Task.CompletedTask;
        gateway.Answers["Changes"] = () => new ValueTask<AccessChanges>(new AccessChanges(1, Everything: false, [], TimeSpan.Zero, TimeSpan.FromDays(365)));
        var files = certificates.Sign("cards", ["spiffe://shop/cards"], [Certificates.ClientUsage], validFor: TimeSpan.FromMinutes(10));
        using var own = X509Certificate2.CreateFromPemFile(files.CertificateFile, files.KeyFile);
        var connections = 0;
        using var client = new HttpClient(new SocketsHttpHandler
        {
            SslOptions = new()
            {
                RemoteCertificateValidationCallback = (_, _, _, _) => true,
                ClientCertificateContext = SslStreamCertificateContext.Create(own, additionalCertificates: null, offline: true),
            },
            PlaintextStreamFilter = (context, _) =>
            {
                Interlocked.Increment(ref connections);
                return new(context.PlaintextStream);
            },
        })
        {
            BaseAddress = gateway.Http.BaseAddress,
            DefaultRequestVersion = Version.Parse(version),
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        using (var first = await Signed(gateway, client))
        {
            Assert.True(first.IsSuccessStatusCode, await first.Content.ReadAsStringAsync());
            var who = JsonNode.Parse(await first.Content.ReadAsStringAsync())!;
            Assert.Equal(("cards", "certificate:spiffe://shop/cards"), ((string?)who["principal"], (string?)who["credential"]));
        }

        gateway.Time.SetUtcNow(new DateTimeOffset(own.NotAfter) - TimeSpan.FromSeconds(1));
        using (var last = await client.GetAsync("/v1/whoami")) Assert.Equal(HttpStatusCode.OK, last.StatusCode);
        gateway.Time.Advance(TimeSpan.FromSeconds(1));
        using (var refused = await client.GetAsync("/v1/whoami"))
        {
            Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
            Assert.Equal("The client certificate has expired.", (string?)JsonNode.Parse(await refused.Content.ReadAsStringAsync())!["detail"]);
        }

        Assert.Equal(1, connections);
        using (await client.GetAsync("/health/live")) Assert.Equal(2, connections);
    }

    /// <summary>The first answer, once the gateway has heard what principals there are.</summary>
    private static async Task<HttpResponseMessage> Signed(SilentGrains gateway, HttpClient client)
    {
        while (true)
        {
            var answer = await client.GetAsync("/v1/whoami");
            if (answer.StatusCode != HttpStatusCode.ServiceUnavailable) return answer;
            answer.Dispose();
            gateway.Time.Advance(TimeSpan.FromMilliseconds(100));
        }
    }
}

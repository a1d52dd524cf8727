using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using OrleansKms.Tests.Cluster.Processes;
using OrleansKms.Tests.Cluster.Transport;

namespace OrleansKms.Tests.Api;

/// <summary>Signing in by a certificate, over TLS, against a whole service.</summary>
[Collection(TlsApiCollection.Name)]
public sealed class ClientCertificateTests(TlsApi api)
{
    private static readonly string[] _clientUsage = [Certificates.ClientUsage];

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task Certificate_SignsInThePrincipalThatItNames(string version)
    {
        var name = Api.NewId();
        var uri = $"spiffe://shop/{name}";
        await Create(name, ["key-user"], uri, name + ".example");
        // As an operator makes it, with a name besides that nobody has.
        api.Clients.Made("user", name, uri, "nobody.example");
        var client = api.Client(api.Clients.Files(name), Version.Parse(version));
        var who = (await TlsApi.Ask(client, "/v1/whoami")).Is(HttpStatusCode.OK).Json;
        Assert.Equal((name, "certificate:" + uri, "key-user"), ((string?)who["principal"], (string?)who["credential"], (string?)who["policies"]![0]));
        using var certificate = X509CertificateLoader.LoadCertificateFromFile(api.Clients.Files(name).CertificateFile);
        Assert.Equal(certificate.NotAfter.ToUniversalTime(), DateTime.Parse((string)who["expires_at"]!, null).ToUniversalTime());

        // It may what its policies say, and the audit trail tells by what it signed in.
        var key = await api.NewKey();
        (await TlsApi.Ask(client, $"/v1/keys/{key}/encrypt", new { plaintext = "AQ==" })).Is(HttpStatusCode.OK);
        (await TlsApi.Ask(client, $"/v1/keys/{key}/rotate", new { })).Is(HttpStatusCode.Forbidden, "permission_denied");
        await AuditHas(key, record => (string?)record["principal"] == name && (string?)record["credential"] == "certificate:" + uri);

        // By another of its names as well.
        var byDns = api.Clients.Sign(name + "-dns", usages: _clientUsage, hosts: [name.ToUpperInvariant() + ".Example"]);
        who = (await TlsApi.Ask(api.Client(byDns), "/v1/whoami")).Is(HttpStatusCode.OK).Json;
        Assert.Equal((name, $"certificate:{name}.example"), ((string?)who["principal"], (string?)who["credential"]));
    }

    public static TheoryData<string, string> Refused => new()
    {
        { "other", "comes from no trusted authority" },
        { "self", "comes from no trusted authority" },
        { "expired", "has expired or is not valid yet" },
        { "future", "has expired or is not valid yet" },
        { "server", "is not valid (NotValidForUsage)" },
        { "no-usage", "lacks the extended key usage clientAuth" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public async Task BadCertificate_IsRefused_WithTheReason_AlsoBesideAGoodToken(string which, string reason)
    {
        var name = Api.NewId();
        var uri = $"spiffe://shop/{name}";
        await Create(name, ["administrator"], uri);
        using var others = new Certificates();
        var day = TimeSpan.FromDays(1);
        var files = which switch
        {
            "other" => others.Sign(name, [uri], _clientUsage),
            "self" => api.Clients.SelfSign(name, uri),
            "expired" => api.Clients.Sign(name, [uri], _clientUsage, validFrom: -2 * day, validFor: day),
            "future" => api.Clients.Sign(name, [uri], _clientUsage, validFrom: day),
            "server" => api.Clients.Sign(name, [uri], [Certificates.ServerUsage]),
            _ => api.Clients.Sign(name, [uri], []),
        };
        foreach (var token in (string?[])[null, api.Token])
        {
            var client = api.Client(files);
            var answer = (await TlsApi.Ask(client, "/v1/whoami", token: token)).Is(HttpStatusCode.Unauthorized, "unauthenticated");
            Assert.Equal($"The client certificate {reason}.", (string?)answer.Json["detail"]);
            // Another connection may show a better one.
            Assert.True(answer.Response.Headers.ConnectionClose);
            // What is open to everybody stays so.
            (await TlsApi.Ask(client, "/health/live")).Is(HttpStatusCode.OK);
        }
    }

    [Fact]
    public async Task Certificate_OfNobody_OfTwo_OrOfADisabledPrincipal_SignsInNobody()
    {
        var (one, two) = (Api.NewId(), Api.NewId());
        await Create(one, [], $"spiffe://shop/{one}", one + ".example");
        await Create(two, [], $"spiffe://shop/{two}");
        const string NotNamed = "The client certificate names no principal that may sign in.";
        foreach (var (names, hosts, detail) in ((string[], string[], string)[])
            [
                ([], [], NotNamed), (["spiffe://shop/" + Api.NewId()], [], NotNamed), (["okms:client", "okms:gateway"], [], NotNamed),
                // A DNS name is no URI, and a common name is no name at all.
                ([], [$"x{one}.example"], NotNamed),
                ([$"spiffe://shop/{one}", $"spiffe://shop/{two}"], [], "The client certificate names more than one principal."),
            ])
        {
            var answer = await TlsApi.Ask(api.Client(api.Clients.Sign(one, names, _clientUsage, hosts: hosts, file: Api.NewId())), "/v1/whoami");
            Assert.Equal(detail, (string?)answer.Is(HttpStatusCode.Unauthorized, "unauthenticated").Json["detail"]);
        }

        var both = api.Client(api.Clients.Sign(one, [$"spiffe://shop/{one}"], _clientUsage, hosts: [one + ".example"]));
        (await TlsApi.Ask(both, "/v1/whoami")).Is(HttpStatusCode.OK);
        (await api.Post($"/v1/principals/{one}/disable")).Is(HttpStatusCode.OK);
        var refused = (await TlsApi.Ask(both, "/v1/whoami")).Is(HttpStatusCode.Unauthorized, "unauthenticated");
        Assert.Equal(NotNamed, (string?)refused.Json["detail"]);
        (await api.Post($"/v1/principals/{one}/enable")).Is(HttpStatusCode.OK);
        (await TlsApi.Ask(both, "/v1/whoami")).Is(HttpStatusCode.OK);
        (await api.Patch("/v1/principals/" + one, """{"certificates":[]}""")).Is(HttpStatusCode.OK);
        (await TlsApi.Ask(both, "/v1/whoami")).Is(HttpStatusCode.Unauthorized, "unauthenticated");
    }

    [Fact]
    public async Task TokenBesideACertificate_MustBeTheSamePrincipals_AndIsWhatCounts()
    {
        var (name, other) = (Api.NewId(), Api.NewId());
        await Create(name, ["administrator"], $"spiffe://shop/{name}");
        await Create(other, ["administrator"]);
        var client = api.Client(api.Clients.Sign(name, [$"spiffe://shop/{name}"], _clientUsage));
        var made = (await api.Post($"/v1/principals/{name}/tokens")).Is(HttpStatusCode.Created).Json;
        var who = (await TlsApi.Ask(client, "/v1/whoami", token: (string)made["token"]!)).Is(HttpStatusCode.OK).Json;
        Assert.Equal((name, $"token:{made["id"]}"), ((string?)who["principal"], (string?)who["credential"]));

        var others = (string)(await api.Post($"/v1/principals/{other}/tokens")).Is(HttpStatusCode.Created).Json["token"]!;
        foreach (var token in (string[])[others, api.Token])
        {
            var answer = (await TlsApi.Ask(client, "/v1/whoami", token: token)).Is(HttpStatusCode.Unauthorized, "unauthenticated");
            Assert.Equal("The client certificate and the token are of different principals: send one of them.", (string?)answer.Json["detail"]);
        }

        // A wrong token is not made good by the certificate beside it.
        foreach (var wrong in (string[])["wrong", (string)made["token"]! + "x"])
        {
            (await TlsApi.Ask(client, "/v1/whoami", token: wrong)).Is(HttpStatusCode.Unauthorized, "unauthenticated");
        }

        // Without a certificate a token is enough, and nothing is nobody.
        (await TlsApi.Ask(api.Client(null), "/v1/whoami", token: others)).Is(HttpStatusCode.OK);
        (await TlsApi.Ask(api.Client(null), "/v1/whoami")).Is(HttpStatusCode.Unauthorized, "unauthenticated");
    }

    [Fact]
    public async Task WhatASiloMustBeShownProofFor_IsDoneByTokenOnly()
    {
        var name = Api.NewId();
        await Create(name, ["administrator"], $"spiffe://shop/{name}");
        var client = api.Client(api.Clients.Sign(name, [$"spiffe://shop/{name}"], _clientUsage));
        (await TlsApi.Ask(client, "/v1/keys", new { })).Is(HttpStatusCode.Created);
        foreach (var (path, body) in ((string, object)[])[("/v1/principals", new { name = Api.NewId() }), ($"/v1/principals/{name}/tokens", new { }), ("/v1/admin/keks/rotate", new { })])
        {
            var answer = (await TlsApi.Ask(client, path, body)).Is(HttpStatusCode.Forbidden, "permission_denied");
            Assert.Contains("API token", (string?)answer.Json["detail"], StringComparison.Ordinal);
        }

        var token = (string)(await api.Post($"/v1/principals/{name}/tokens")).Is(HttpStatusCode.Created).Json["token"]!;
        (await TlsApi.Ask(client, "/v1/principals", new { name = Api.NewId() }, token)).Is(HttpStatusCode.Created);
    }

    [Fact]
    public async Task HeadersThatTellOfACertificateOrAnAddress_AreNotBelieved()
    {
        var name = Api.NewId();
        await Create(name, ["administrator"], $"spiffe://shop/{name}");
        var pem = Uri.EscapeDataString(File.ReadAllText(api.Clients.Sign(name, [$"spiffe://shop/{name}"], _clientUsage).CertificateFile));
        foreach (var client in (HttpClient[])[api.Client(null), api.ClientFrom("127.0.0.90")])
        {
            foreach (var header in (string[])["X-Client-Cert", "X-Forwarded-Client-Cert", "X-SSL-Client-Cert", "X-ARR-ClientCert", "ssl-client-cert", "Client-Cert"])
            {
                (await TlsApi.Ask(client, "/v1/whoami", headers: (header, pem))).Is(HttpStatusCode.Unauthorized, "unauthenticated");
            }
        }

        // A policy for one network lets in nobody who only says that he is there.
        var (policy, key) = (Api.NewId(), await api.NewKey());
        (await api.Put("/v1/policies/" + policy, new
        {
            statements = new[] { new { effect = "allow", actions = new[] { "use" }, keys = new[] { "*" }, when = new { source = new[] { "192.0.2.7/32" } } } },
        })).Is(HttpStatusCode.OK);
        (await api.Patch("/v1/principals/" + name, $$"""{"policies":["{{policy}}"]}""")).Is(HttpStatusCode.OK);
        var token = (string)(await api.Post($"/v1/principals/{name}/tokens")).Is(HttpStatusCode.Created).Json["token"]!;
        foreach (var header in (string[])["X-Forwarded-For", "Forwarded", "X-Real-IP"])
        {
            (await TlsApi.Ask(api.Client(null), $"/v1/keys/{key}/encrypt", new { plaintext = "AQ==" }, token, (header, header == "Forwarded" ? "for=192.0.2.7" : "192.0.2.7")))
                .Is(HttpStatusCode.Forbidden, "permission_denied");
        }
    }

    [Fact]
    public async Task PageOfAnotherSite_CannotUseTheCertificateOfWhoeverLooksAtIt()
    {
        var name = Api.NewId();
        await Create(name, ["administrator"], $"spiffe://shop/{name}");
        var client = api.Client(api.Clients.Sign(name, [$"spiffe://shop/{name}"], _clientUsage));
        var key = await api.NewKey();
        var here = $"https://127.0.0.1:{api.TlsPort}";
        foreach (var (header, value) in ((string, string)[])
            [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Site", "same-site"), ("Origin", "https://evil.example"), ("Origin", "null"), ("Origin", here.Replace("https", "http", StringComparison.Ordinal))])
        {
            var answer = (await TlsApi.Ask(client, $"/v1/keys/{key}/disable", new { }, headers: (header, value))).Is(HttpStatusCode.Unauthorized, "unauthenticated");
            Assert.Contains("another site", (string?)answer.Json["detail"], StringComparison.Ordinal);
            // A page does not know the token.
            (await TlsApi.Ask(api.Client(null), "/v1/random", new { bytes = 1 }, api.Token, (header, value))).Is(HttpStatusCode.OK);
        }

        (await TlsApi.Ask(client, $"/v1/keys/{key}/disable", new { }, headers: ("Origin", here))).Is(HttpStatusCode.OK);
        (await TlsApi.Ask(client, $"/v1/keys/{key}/enable", new { }, headers: ("Sec-Fetch-Site", "same-origin"))).Is(HttpStatusCode.OK);
        (await TlsApi.Ask(client, $"/v1/keys/{key}", headers: ("Sec-Fetch-Site", "cross-site"))).Is(HttpStatusCode.OK);
    }

    [Fact]
    public async Task RenewedAuthorities_Count_AlsoOnConnectionsThatStand()
    {
        var name = Api.NewId();
        await Create(name, [], $"spiffe://shop/{name}");
        using var others = new Certificates();
        // By the script, whose certificates tell apart two authorities of one name.
        foreach (var authority in (Certificates[])[api.Clients, others]) authority.Made("user", name, $"spiffe://shop/{name}");
        var (ours, theirs) = (api.Clients.Files(name), others.Files(name));
        var standing = api.Client(ours);
        (await TlsApi.Ask(standing, "/v1/whoami")).Is(HttpStatusCode.OK);
        (await TlsApi.Ask(api.Client(theirs), "/v1/whoami")).Is(HttpStatusCode.Unauthorized, "unauthenticated");
        try
        {
            // Both, as an operator begins the change, then half a file, which changes nothing, then the new one alone.
            await File.WriteAllTextAsync(api.AuthorityFile, await File.ReadAllTextAsync(api.Clients.Authority) + await File.ReadAllTextAsync(others.Authority));
            await Until(theirs, HttpStatusCode.OK);
            (await TlsApi.Ask(standing, "/v1/whoami")).Is(HttpStatusCode.OK);
            var half = await File.ReadAllTextAsync(others.Authority);
            await File.WriteAllTextAsync(api.AuthorityFile, half[..^40]);
            await api.Service.UntilSaid("The authorities of clients' certificates stay as they were");
            (await TlsApi.Ask(api.Client(ours), "/v1/whoami")).Is(HttpStatusCode.OK);
            await File.WriteAllTextAsync(api.AuthorityFile, half);
            await Until(ours, HttpStatusCode.Unauthorized);
            var answer = (await TlsApi.Ask(standing, "/v1/whoami")).Is(HttpStatusCode.Unauthorized, "unauthenticated");
            Assert.Equal("The client certificate comes from no trusted authority.", (string?)answer.Json["detail"]);
            (await TlsApi.Ask(api.Client(theirs), "/v1/whoami")).Is(HttpStatusCode.OK);
        }
        finally
        {
            File.Copy(api.Clients.Authority, api.AuthorityFile, overwrite: true);
            await Until(ours, HttpStatusCode.OK);
        }
    }

    [Fact]
    public async Task TooLargeACertificate_IsRefusedInTheHandshake()
    {
        var many = Enumerable.Range(0, 1500).Select(i => $"spiffe://shop/{i:d20}").ToArray();
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => TlsApi.Ask(api.Client(api.Clients.Sign("large", many, _clientUsage)), "/health/live"));
        var answer = await TlsApi.Ask(api.Client(api.Clients.Sign("many", many[..33], _clientUsage)), "/v1/whoami");
        Assert.Equal("The client certificate has more than 32 names.", (string?)answer.Is(HttpStatusCode.Unauthorized, "unauthenticated").Json["detail"]);
    }

    [Fact]
    public async Task NamesThatNoCertificateCanShow_AreRefused()
    {
        foreach (var name in (string[])["okms:silo", "Upper.example", "with space", "spiffe:", ":x", "1x:y", "spiffe://ü", "a/b", new string('a', 513)])
        {
            (await api.Post("/v1/principals", new { name = Api.NewId(), certificates = new[] { name } })).Is(HttpStatusCode.BadRequest, "invalid_parameter");
        }
    }

    private async Task Create(string name, string[] policies, params string[] certificates) =>
        (await api.Post("/v1/principals", new { name, policies, certificates })).Is(HttpStatusCode.Created);

    /// <summary>Waits until new connections with a certificate are answered so.</summary>
    private async Task Until(MutualTlsFiles files, HttpStatusCode status)
    {
        using var patience = new CancellationTokenSource(ServiceProcess.Patience);
        while (true)
        {
            using var client = api.Client(files);
            if ((await TlsApi.Ask(client, "/v1/whoami")).Status == status) return;
            Assert.False(patience.IsCancellationRequested, $"No {status} came.");
        }
    }

    private async Task AuditHas(string key, Predicate<JsonNode> wanted)
    {
        using var patience = new CancellationTokenSource(ServiceProcess.Patience);
        while (!(await api.Get($"/v1/audit?key={key}&action=keys:encrypt")).Is(HttpStatusCode.OK).Json["records"]!.AsArray().Any(record => wanted(record!)))
        {
            Assert.False(patience.IsCancellationRequested, "The record did not come.");
        }
    }
}

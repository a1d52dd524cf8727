using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using OrleansKms.Tests.Cluster.Processes;

namespace OrleansKms.Tests.Api;

/// <summary>A service that trusts a real issuer, and one whose keys are in a file.</summary>
public sealed class IssuerApi : Api, IAsyncLifetime
{
    public IssuerApi()
        : this(new TestIssuer(), new FileIssuer())
    {
    }

    private IssuerApi(TestIssuer issuer, FileIssuer file)
        : base(("OKMS_JWT_ISSUERS", file.FileOf(Setting(issuer), file.Setting))) => (Issuer, KeysInFile) = (issuer, file);

    public TestIssuer Issuer { get; }

    public FileIssuer KeysInFile { get; }

    public static (string, string?) Trust(TestIssuer issuer) => ("OKMS_JWT_ISSUERS", Setting(issuer));

    async Task IAsyncLifetime.InitializeAsync()
    {
        await Issuer.Start();
        await InitializeAsync();
        await Create("cards", Issuer.Name, TestIssuer.Subject);
        await Create("cards-by-file", FileIssuer.Name, FileIssuer.Subject);
    }

    async Task IAsyncLifetime.DisposeAsync()
    {
        await DisposeAsync();
        await Issuer.DisposeAsync();
        KeysInFile.Dispose();
    }

    private static string Setting(TestIssuer issuer) => $"{issuer.Name} audience={TestIssuer.Audience} skew=PT0S";

    private async Task Create(string name, string issuer, string subject) =>
        (await Post("/v1/principals", new { name, policies = new[] { "administrator" }, jwt = new[] { new { issuer, subject } } })).Is(HttpStatusCode.Created);
}

/// <summary>Sign-in by tokens of a real issuer.</summary>
public sealed class JwtSignInTests(IssuerApi api) : IClassFixture<IssuerApi>
{
    [Theory]
    [InlineData("urn:kms")]
    [InlineData("urn:kms:es256")]
    public async Task TokenOfTheIssuer_SignsIn_AsThePrincipalThatNamesIt(string resource)
    {
        var token = await api.Issuer.Token(resource);
        await Until(token, HttpStatusCode.OK);
        var who = (await As(token, "/v1/whoami")).Json;
        Assert.Equal(
            ("cards", "jwt:" + api.Issuer.Name, "administrator"), ((string?)who["principal"], (string?)who["credential"], (string?)who["policies"]![0]));
        Assert.Equal(
            DateTimeOffset.FromUnixTimeSeconds((long)JsonNode.Parse(Decode(token.Split('.')[1]))!["exp"]!), DateTimeOffset.Parse((string)who["expires_at"]!, null));

        var id = await api.NewKey();
        (await As(token, $"/v1/keys/{id}/encrypt", new { plaintext = "AAAA" })).Is(HttpStatusCode.OK);
        JsonNode? record;
        do
        {
            record = (await api.Get($"/v1/audit?key={id}&action=keys:encrypt&principal=cards")).Is(HttpStatusCode.OK).Json["records"]!.AsArray().SingleOrDefault();
        }
        while (record is null);
        Assert.Equal("jwt:" + api.Issuer.Name, (string?)record["credential"]);
    }

    [Fact]
    public async Task Access_IsNotAdministeredByJwt_WhateverThePoliciesSay()
    {
        var token = await api.Issuer.Token();
        await Until(token, HttpStatusCode.OK);
        (await As(token, "/v1/keys", new { id = Api.NewId() })).Is(HttpStatusCode.Created);
        foreach (var refused in (Answer[])
            [
                await As(token, "/v1/principals", new { name = Api.NewId() }), await As(token, "/v1/principals/cards/tokens", new { }),
                await As(token, "/v1/admin/keks"),
            ])
        {
            refused.Is(HttpStatusCode.Forbidden, "permission_denied");
            Assert.Contains("API token", (string)refused.Json["detail"]!, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task OtherTokens_AreNobodys_AndNothingOfThemIsLogged()
    {
        var good = await api.Issuer.Token();
        await Until(good, HttpStatusCode.OK);
        var parts = good.Split('.');
        string[] bad =
        [
            await api.Issuer.Token("urn:billing"),
            await api.Issuer.Token(other: true),
            await api.Issuer.Token("urn:kms:hs256"),
            $"{Encode("""{"alg":"none","typ":"at+jwt"}""")}.{parts[1]}.",
            $"{Encode("""{"alg":"none","typ":"at+jwt"}""")}.{parts[1]}.{parts[2]}",
            $"{parts[0]}.{Encode(Decode(parts[1]).Replace("\"cards\"", "\"admin\"", StringComparison.Ordinal))}.{parts[2]}",
            $"{parts[0]}.{parts[1]}.",
        ];
        foreach (var token in bad)
        {
            var refused = (await As(token, "/v1/whoami")).Is(HttpStatusCode.Unauthorized, "unauthenticated");
            Assert.StartsWith("The JWT is refused: it", (string)refused.Json["detail"]!, StringComparison.Ordinal);
        }

        await api.Service.UntilSaid("its audience is another service");
        await api.Service.UntilSaid("a JWT from an unknown issuer was refused");
        await api.Service.UntilSaid("its algorithm is not allowed");
        await api.Service.UntilSaid("its signature is wrong");
        foreach (var part in bad.Append(good).SelectMany(token => token.Split('.')).Where(part => part.Length > 0))
        {
            Assert.DoesNotContain(part, api.Service.ToString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task TokenThatExpires_SignsInNoMore()
    {
        await Until(await api.Issuer.Token(), HttpStatusCode.OK);
        Answer answer;
        string token;
        do
        {
            // It lives for two seconds, which a loaded machine may take before the first look.
            token = await api.Issuer.Token("urn:kms:short");
            answer = await As(token, "/v1/whoami");
        }
        while (answer.Status != HttpStatusCode.OK);
        await Until(token, HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task PrincipalThatIsDisabled_SignsInNoMore()
    {
        var token = await api.Issuer.Token();
        await Until(token, HttpStatusCode.OK);
        (await api.Post("/v1/principals/cards/disable")).Is(HttpStatusCode.OK);
        (await As(token, "/v1/whoami")).Is(HttpStatusCode.Unauthorized, "unauthenticated");
        (await api.Post("/v1/principals/cards/enable")).Is(HttpStatusCode.OK);
        (await As(token, "/v1/whoami")).Is(HttpStatusCode.OK);
        // An API token of the same principal signs in beside it, and may administer.
        var own = (string)(await api.Post("/v1/principals/cards/tokens")).Is(HttpStatusCode.Created).Json["token"]!;
        (await As(own, "/v1/principals", new { name = Api.NewId() })).Is(HttpStatusCode.Created);
    }

    [Fact]
    public async Task RotatedKeys_AreTakenUp_AndTheOldOnesOut()
    {
        var old = await api.Issuer.Token();
        await Until(old, HttpStatusCode.OK);
        await api.Issuer.Rotate();
        var renewed = await api.Issuer.Token();
        await Until(renewed, HttpStatusCode.OK);
        (await As(old, "/v1/whoami")).Is(HttpStatusCode.Unauthorized, "unauthenticated");
        (await As(renewed, "/v1/whoami")).Is(HttpStatusCode.OK);
    }

    [Fact]
    public async Task KeySetInAFile_ThatIsReplaced_LetsInTheNewKey_AndTheRemovedOneOut()
    {
        var file = api.KeysInFile;
        var (first, second, third) = (file.NewKey(), file.NewKey(), file.NewKey());
        file.Publish(first, second);
        var (old, kept) = (FileIssuer.Token(first), FileIssuer.Token(second));
        await Until(old, HttpStatusCode.OK);
        await Until(kept, HttpStatusCode.OK);
        Assert.Equal("cards-by-file", (string?)(await As(old, "/v1/whoami")).Json["principal"]);

        // No token names a key that is unknown: only the file itself tells, which is read a hundred times as often as an issuer is asked.
        file.Publish(second);
        await Until(old, HttpStatusCode.Unauthorized);
        (await As(FileIssuer.Token(first), "/v1/whoami")).Is(HttpStatusCode.Unauthorized, "unauthenticated");
        (await As(kept, "/v1/whoami")).Is(HttpStatusCode.OK);

        // The key of the new one is taken up, and whatever the one before it signed is refused with it.
        file.Publish(third);
        await Until(FileIssuer.Token(third), HttpStatusCode.OK);
        (await As(kept, "/v1/whoami")).Is(HttpStatusCode.Unauthorized, "unauthenticated");

        // A file that cannot be read takes no key away and adds none; the next one that can be read does.
        file.Break();
        await Until(FileIssuer.Token(first), HttpStatusCode.ServiceUnavailable, "unavailable");
        Assert.Equal("healthy", (string?)(await api.Get("/health")).Is(HttpStatusCode.OK).Json["checks"]!["issuers"]);
        (await As(FileIssuer.Token(third), "/v1/whoami")).Is(HttpStatusCode.OK);
        file.Publish(first);
        await Until(FileIssuer.Token(first), HttpStatusCode.OK);
        (await As(FileIssuer.Token(third), "/v1/whoami")).Is(HttpStatusCode.Unauthorized, "unauthenticated");
    }

    [Fact]
    public async Task IssuerThatIsAway_LeavesItsKnownKeys_AndItsNewOnesWaitForIt()
    {
        await Until(await api.Issuer.Token(), HttpStatusCode.OK);
        var known = await api.Issuer.Token();
        await api.Issuer.Rotate();
        var unknown = await api.Issuer.Token();
        await api.Issuer.Stop();
        // Its key may be one that the issuer has since, or none at all; that shows with the next look at the issuer.
        await Until(unknown, HttpStatusCode.ServiceUnavailable, "unavailable");
        (await As(known, "/v1/whoami")).Is(HttpStatusCode.OK);
        var health = (await api.Get("/health")).Is(HttpStatusCode.OK).Json;
        Assert.Equal("healthy", (string?)health["checks"]!["issuers"]);
        Assert.Equal("A JWT issuer is unreachable; its last known keys are used.", (string?)Assert.Single(health["problems"]!.AsArray()));
        await api.Issuer.Start();
        await Until(unknown, HttpStatusCode.OK);
        (await As(known, "/v1/whoami")).Is(HttpStatusCode.Unauthorized, "unauthenticated");
    }

    [Fact]
    public async Task ServiceThatStartsWithoutTheIssuer_SaysSo_AndServesTheOthers()
    {
        await using var issuer = new TestIssuer();
        var directory = Directory.CreateTempSubdirectory("okms-test-").FullName;
        await issuer.Start();
        var token = await issuer.Token();
        await issuer.Stop();
        await using (var service = ServiceProcess.Launch(directory, port: null, IssuerApi.Trust(issuer)))
        {
            await service.Until("/health/ready");
            service.SignIn(service.Token);
            using var made = await service.Http.PostAsync("/v1/principals", new StringContent(
                $$"""{"name":"cards","jwt":[{"issuer":"{{issuer.Name}}","subject":"{{TestIssuer.Subject}}"}]}""", Encoding.UTF8, "application/json"));
            Assert.Equal(HttpStatusCode.Created, made.StatusCode);
            using var health = await service.Http.GetAsync("/health");
            Assert.Equal(HttpStatusCode.ServiceUnavailable, health.StatusCode);
            var json = JsonNode.Parse(await health.Content.ReadAsStringAsync())!;
            Assert.Equal("unhealthy", (string?)json["checks"]!["issuers"]);
            Assert.Equal("The keys of a JWT issuer are unknown; its tokens cannot be checked.", (string?)Assert.Single(json["problems"]!.AsArray()));
            await service.UntilSaid("cannot fetch the keys of the JWT issuer");

            service.SignIn(token);
            using var unavailable = await service.Http.GetAsync("/v1/whoami");
            Assert.Equal(HttpStatusCode.ServiceUnavailable, unavailable.StatusCode);
            Assert.Equal("unavailable", (string?)JsonNode.Parse(await unavailable.Content.ReadAsStringAsync())!["code"]);
            Assert.NotNull(unavailable.Headers.RetryAfter);
            await issuer.Start();
            await service.Until("/v1/whoami");
            await service.UntilHealthy();
        }

        Directory.Delete(directory, recursive: true);
    }

    // New keys are looked for every few seconds at most, and failures are slowed down: a few a second do not add up.
    private async Task Until(string token, HttpStatusCode status, string? code = null)
    {
        using var patience = new CancellationTokenSource(ServiceProcess.Patience);
        while (true)
        {
            var answer = await As(token, "/v1/whoami");
            if (answer.Status == status && (code is null || answer.Code == code)) return;
            Assert.False(patience.IsCancellationRequested, $"{(int)answer.Status} {answer.Text}\n{api.Service}");
            await Task.Delay(200);
        }
    }

    private Task<Answer> As(string token, string path, object? body = null)
    {
        var request = new HttpRequestMessage(body is null ? HttpMethod.Get : HttpMethod.Post, path)
        {
            Content = body is null ? null : System.Net.Http.Json.JsonContent.Create(body),
        };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return api.Send(request);
    }

    private static string Encode(string text) => System.Buffers.Text.Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));

    private static string Decode(string text) => Encoding.UTF8.GetString(System.Buffers.Text.Base64Url.DecodeFromChars(text));
}

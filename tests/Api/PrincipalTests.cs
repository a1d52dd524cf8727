using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;

namespace OrleansKms.Tests.Api;

/// <summary>Principals and their tokens, over HTTP.</summary>
[Collection(DefaultApiCollection.Name)]
public sealed class PrincipalTests(DefaultApi api)
{
    [Fact]
    public async Task Principal_IsMadeDescribedChangedAndRemoved()
    {
        var name = Name();
        var made = (await api.Post("/v1/principals", new
        {
            name,
            description = "builds",
            policies = new[] { "key-user" },
            limits = new[] { new { count = 100_000_000_000, per = "P1D" } },
            certificates = new[] { $"spiffe://host/{name}" },
            jwt = new[] { new { issuer = "https://issuer", subject = name } },
        })).Is(HttpStatusCode.Created);
        Assert.Equal("/v1/principals/" + name, made.Header("Location"));
        Assert.Equal(
            ["name", "description", "state", "policies", "limits", "certificates", "jwt", "created_at", "updated_at"],
            made.Json.AsObject().Select(p => p.Key));
        Assert.Equal((name, "enabled", "key-user"), (Text(made.Json, "name"), Text(made.Json, "state"), (string?)made.Json["policies"]![0]));
        Assert.Equal("""{"count":100000000000,"per":"P1D","of":"use"}""", made.Json["limits"]![0]!.ToJsonString());
        Assert.Equal($$"""{"issuer":"https://issuer","subject":"{{name}}"}""", made.Json["jwt"]![0]!.ToJsonString());
        Assert.Equal(made.Text, (await api.Get("/v1/principals/" + name)).Is(HttpStatusCode.OK).Text);
        (await api.Post("/v1/principals", new { name })).Is(HttpStatusCode.Conflict, "principal_exists");

        var changed = (await api.Patch("/v1/principals/" + name, """{"description":null,"policies":[],"jwt":null}""")).Is(HttpStatusCode.OK).Json;
        Assert.Null(changed["description"]);
        Assert.Equal((0, 0, 1, 1), (Count(changed, "policies"), Count(changed, "jwt"), Count(changed, "limits"), Count(changed, "certificates")));
        Assert.Equal("disabled", Text((await api.Post($"/v1/principals/{name}/disable")).Is(HttpStatusCode.OK).Json, "state"));
        Assert.Equal("enabled", Text((await api.Post($"/v1/principals/{name}/enable", new { })).Is(HttpStatusCode.OK).Json, "state"));
        (await api.Delete("/v1/principals/" + name)).Is(HttpStatusCode.NoContent);
        foreach (var missing in (Func<Task<Answer>>[])
            [
                () => api.Get("/v1/principals/" + name), () => api.Delete("/v1/principals/" + name), () => api.Patch("/v1/principals/" + name, "{}"),
                () => api.Post($"/v1/principals/{name}/disable"), () => api.Post($"/v1/principals/{name}/tokens"),
                () => api.Get($"/v1/principals/{name}/tokens"), () => api.Delete($"/v1/principals/{name}/tokens/0123456789abcdef"),
            ])
        {
            (await missing()).Is(HttpStatusCode.NotFound, "principal_not_found");
        }

        (await api.Post("/v1/principals", new { name })).Is(HttpStatusCode.Created);
    }

    [Fact]
    public async Task Token_SignsIn_AndNoMoreOnceItIsRevoked_OrItsPrincipalDisabledOrGone()
    {
        var name = Name();
        await Create(name, "administrator");
        var made = (await api.Post($"/v1/principals/{name}/tokens", new { expires_in = "PT1H", description = "laptop" })).Is(HttpStatusCode.Created).Json;
        Assert.Equal(["id", "token", "expires_at"], made.AsObject().Select(p => p.Key));
        var (id, token) = (Text(made, "id"), Text(made, "token"));
        Assert.StartsWith($"okms_{id}_", token, StringComparison.Ordinal);
        var who = (await As(token, "/v1/whoami")).Is(HttpStatusCode.OK).Json;
        Assert.Equal(
            (name, "token:" + id, "administrator", Text(made, "expires_at")),
            (Text(who, "principal"), Text(who, "credential"), (string?)who["policies"]![0], Text(who, "expires_at")));
        (await As(token, "/v1/keys?limit=1")).Is(HttpStatusCode.OK);
        (await As(token[..^4] + "AAAA", "/v1/whoami")).Is(HttpStatusCode.Unauthorized, "unauthenticated");

        (await api.Post($"/v1/principals/{name}/disable")).Is(HttpStatusCode.OK);
        (await As(token, "/v1/whoami")).Is(HttpStatusCode.Unauthorized, "unauthenticated");
        (await api.Post($"/v1/principals/{name}/enable")).Is(HttpStatusCode.OK);
        (await As(token, "/v1/whoami")).Is(HttpStatusCode.OK);
        (await api.Delete($"/v1/principals/{name}/tokens/{id}")).Is(HttpStatusCode.NoContent);
        (await As(token, "/v1/whoami")).Is(HttpStatusCode.Unauthorized, "unauthenticated");
        (await api.Delete($"/v1/principals/{name}/tokens/{id}")).Is(HttpStatusCode.NotFound, "not_found");

        token = await Token(name);
        (await As(token, "/v1/whoami")).Is(HttpStatusCode.OK);
        (await api.Delete("/v1/principals/" + name)).Is(HttpStatusCode.NoContent);
        (await As(token, "/v1/whoami")).Is(HttpStatusCode.Unauthorized, "unauthenticated");
    }

    [Fact]
    public async Task Tokens_AreListedWithTheirLastUse_AndNeverShownAgain()
    {
        var name = Name();
        await Create(name);
        var first = (await api.Post($"/v1/principals/{name}/tokens")).Is(HttpStatusCode.Created).Json;
        var life = DateTime.Parse(Text(first, "expires_at"), null) - DateTime.UtcNow;
        Assert.InRange(life, TimeSpan.FromDays(89), TimeSpan.FromDays(91));
        await Token(name);
        (await As(Text(first, "token"), "/v1/whoami")).Is(HttpStatusCode.OK);
        JsonNode list;
        do
        {
            list = (await api.Get($"/v1/principals/{name}/tokens")).Is(HttpStatusCode.OK).Json;
        }
        while (list["tokens"]![0]!["last_used_at"] is null);

        Assert.Equal(["id", "description", "created_at", "expires_at", "last_used_at"], list["tokens"]![0]!.AsObject().Select(p => p.Key));
        Assert.Equal(0, DateTime.Parse(Text(list["tokens"]![0]!, "last_used_at"), null).Second);
        Assert.Null(list["tokens"]![1]!["last_used_at"]);
        Assert.DoesNotContain(Text(first, "token"), list.ToJsonString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"name":"a/b"}""", "invalid_parameter")]
    [InlineData("""{"name":""}""", "invalid_parameter")]
    [InlineData("""{"name":"admin"}""", "invalid_parameter")]
    [InlineData("""{"name":"metrics"}""", "invalid_parameter")]
    [InlineData("""{}""", "invalid_request")]
    [InlineData("""{"name":"x","nickname":"y"}""", "invalid_request")]
    [InlineData("""{"name":"x","policies":[null]}""", "invalid_request")]
    [InlineData("""{"name":"x","policies":["a","a"]}""", "invalid_parameter")]
    [InlineData("""{"name":"x","policies":["no-such-policy"]}""", "policy_not_found")]
    [InlineData("""{"name":"x","limits":[{"count":0,"per":"PT1S"}]}""", "invalid_parameter")]
    [InlineData("""{"name":"x","certificates":[""]}""", "invalid_parameter")]
    [InlineData("""{"name":"x","jwt":[{"issuer":"i"}]}""", "invalid_request")]
    [InlineData("""{"name":"x","jwt":[{"issuer":"i","subject":"a\nb"}]}""", "invalid_parameter")]
    public async Task BadPrincipals_AreRefused(string body, string code) => Assert.Equal(code, (await api.PostText("/v1/principals", body)).Code);

    [Theory]
    [InlineData("""{"expires_in":"P366D"}""", "invalid_parameter")]
    [InlineData("""{"expires_in":"PT0S"}""", "invalid_parameter")]
    [InlineData("""{"expires_in":"a while"}""", "invalid_parameter")]
    [InlineData("""{"expires":"P1D"}""", "invalid_request")]
    public async Task BadTokens_AreRefused(string body, string code)
    {
        var name = Name();
        await Create(name);
        Assert.Equal(code, (await api.PostText($"/v1/principals/{name}/tokens", body)).Code);
        (await api.Post($"/v1/principals/{name}/tokens", new { expires_in = "P365D" })).Is(HttpStatusCode.Created);
    }

    [Fact]
    public async Task Credential_OfAnotherPrincipal_IsAConflict()
    {
        var (first, second) = (Name(), Name());
        (await api.Post("/v1/principals", new { name = first, certificates = new[] { first + ".example" } })).Is(HttpStatusCode.Created);
        (await api.Post("/v1/principals", new { name = second, certificates = new[] { first + ".example" } })).Is(HttpStatusCode.Conflict, "conflict");
        (await api.Get("/v1/principals/" + second)).Is(HttpStatusCode.NotFound, "principal_not_found");
    }

    [Fact]
    public async Task List_ByPages_HasEveryPrincipalInOrder()
    {
        var prefix = Name() + "@";
        foreach (var name in (string[])["c", "a", "b"]) await Create(prefix + name);
        var page = (await api.Get($"/v1/principals?prefix={Uri.EscapeDataString(prefix)}&limit=2")).Is(HttpStatusCode.OK).Json;
        Assert.Equal([prefix + "a", prefix + "b"], page["principals"]!.AsArray().Select(p => Text(p!, "name")));
        page = (await api.Get($"/v1/principals?prefix={Uri.EscapeDataString(prefix)}&limit=2&cursor={Text(page, "next_cursor")}")).Is(HttpStatusCode.OK).Json;
        Assert.Equal(prefix + "c", Text(Assert.Single(page["principals"]!.AsArray())!, "name"));
        Assert.Null(page["next_cursor"]);
        (await api.Get("/v1/principals?limit=0")).Is(HttpStatusCode.BadRequest, "invalid_parameter");
        (await api.Get("/v1/principals?cursor=x")).Is(HttpStatusCode.BadRequest, "invalid_parameter");
    }

    [Fact]
    public async Task Administration_IsForWhoMay_AndIsProvenToTheSilo()
    {
        var (user, auditor, operators) = (Name(), Name(), Name());
        await Create(user, "key-user");
        await Create(auditor, "auditor");
        await Create(operators, "administrator");
        foreach (var token in (string[])[await Token(user), await Token(auditor)])
        {
            (await As(token, "/v1/principals", new { name = Name() })).Is(HttpStatusCode.Forbidden, "permission_denied");
            (await As(token, "/v1/principals/" + user)).Is(HttpStatusCode.Forbidden, "permission_denied");
            (await As(token, "/v1/principals/" + Name())).Is(HttpStatusCode.Forbidden, "permission_denied");
            (await As(token, $"/v1/principals/{auditor}/tokens", new { })).Is(HttpStatusCode.Forbidden, "permission_denied");
            (await As(token, "/v1/admin/keks")).Is(HttpStatusCode.Forbidden, "permission_denied");
            (await As(token, "/metrics")).Is(HttpStatusCode.Forbidden, "permission_denied");
            (await As(token, "/v1/whoami")).Is(HttpStatusCode.OK);
        }

        var operatorsToken = await Token(operators);
        (await As(operatorsToken, "/v1/principals", new { name = Name() })).Is(HttpStatusCode.Created);
        (await As(operatorsToken, "/v1/admin/keks")).Is(HttpStatusCode.OK);
        (await As(operatorsToken, "/metrics")).Is(HttpStatusCode.OK);
    }

    [Fact]
    public async Task WhoAmI_OfTheAdministrator()
    {
        var who = (await api.Get("/v1/whoami")).Is(HttpStatusCode.OK).Json;
        Assert.Equal("""{"principal":"admin","credential":"administrator","policies":["administrator"]}""", who.ToJsonString());
        (await api.Get("/v1/whoami?x=1")).Is(HttpStatusCode.BadRequest, "invalid_request");
    }

    private static string Name() => Api.NewId();

    private static string Text(JsonNode json, string field) => (string)json[field]!;

    private static int Count(JsonNode json, string field) => json[field]!.AsArray().Count;

    private async Task Create(string name, params string[] policies) =>
        (await api.Post("/v1/principals", new { name, policies })).Is(HttpStatusCode.Created);

    private async Task<string> Token(string name) =>
        Text((await api.Post($"/v1/principals/{name}/tokens")).Is(HttpStatusCode.Created).Json, "token");

    private Task<Answer> As(string token, string path, object? body = null)
    {
        var request = new HttpRequestMessage(body is null ? HttpMethod.Get : HttpMethod.Post, path)
        {
            Content = body is null ? null : System.Net.Http.Json.JsonContent.Create(body),
        };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return api.Send(request);
    }
}

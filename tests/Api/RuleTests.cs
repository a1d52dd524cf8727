using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace OrleansKms.Tests.Api;

/// <summary>What holds for every route.</summary>
[Collection(DefaultApiCollection.Name)]
public sealed class RuleTests(DefaultApi api)
{
    private Task<Answer> WithAuthorization(HttpMethod method, string path, string? authorization)
    {
        var request = new HttpRequestMessage(method, path);
        request.Headers.TryAddWithoutValidation("Authorization", authorization ?? "");
        // The client's default header gives way to the request's own.
        return api.Send(request);
    }

    [Fact]
    public async Task EveryRouteOfTheDocument_WithoutAToken_IsUnauthenticated()
    {
        var document = (await api.Get("/openapi/v1.json")).Json;
        var tried = 0;
        foreach (var (path, operations) in document["paths"]!.AsObject())
        {
            foreach (var (method, operation) in operations!.AsObject())
            {
                var open = operation!["security"] is null or JsonArray { Count: 0 };
                Assert.Equal(path.StartsWith("/health", StringComparison.Ordinal) || path.StartsWith("/openapi", StringComparison.Ordinal), open);
                var address = path.Replace("{id}", "k", StringComparison.Ordinal).Replace("{n}", "1", StringComparison.Ordinal).Replace("{name}", "k", StringComparison.Ordinal);
                var answer = await WithAuthorization(new HttpMethod(method.ToUpperInvariant()), address, null);
                if (open)
                {
                    answer.Is(HttpStatusCode.OK);
                }
                else
                {
                    answer.Is(HttpStatusCode.Unauthorized, "unauthenticated");
                    Assert.StartsWith("Bearer", answer.Header("WWW-Authenticate"), StringComparison.Ordinal);
                }

                tried++;
            }
        }

        Assert.True(tried >= 30, $"The document has {tried} operations.");
    }

    [Theory]
    [InlineData("/metrics")]
    [InlineData("/dashboard")]
    [InlineData("/dashboard/")]
    [InlineData("/dashboard/DashboardCounters")]
    [InlineData("/nothing")]
    [InlineData("/")]
    [InlineData("/healthy")]
    [InlineData("/openapis")]
    [InlineData("/health/../v1/keys")]
    [InlineData("/v1//keys")]
    public async Task EverythingElse_WithoutAToken_IsUnauthenticated(string path) =>
        (await WithAuthorization(HttpMethod.Get, path, null)).Is(HttpStatusCode.Unauthorized, "unauthenticated");

    [Fact]
    public async Task Token_AnyOther_IsUnauthenticated()
    {
        var token = api.Token;
        string[] wrong =
        [
            "Bearer", "Bearer ", "Bearer x", "Bearer " + token[..^1], "Bearer " + token + "x", "Bearer " + token.ToUpperInvariant() + "!",
            token, "Basic " + token, "Basic " + Api.Base64("admin:" + token), "Digest " + token, "Bearer " + new string('a', 10000),
            "Bearer " + token + "," + token,
        ];
        foreach (var authorization in wrong)
        {
            (await WithAuthorization(HttpMethod.Get, "/v1/keys", authorization)).Is(HttpStatusCode.Unauthorized, "unauthenticated");
        }

        (await WithAuthorization(HttpMethod.Get, "/v1/keys", "bearer " + token)).Is(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Dashboard_TakesAPasswordToo()
    {
        var answer = await WithAuthorization(HttpMethod.Get, "/dashboard", null);
        answer.Is(HttpStatusCode.Unauthorized, "unauthenticated");
        Assert.StartsWith("Basic", answer.Header("WWW-Authenticate"), StringComparison.Ordinal);
        (await WithAuthorization(HttpMethod.Get, "/dashboard/", "Basic " + Api.Base64("any:" + api.Token))).Is(HttpStatusCode.OK);
        (await WithAuthorization(HttpMethod.Get, "/dashboard/", "Bearer " + api.Token)).Is(HttpStatusCode.OK);
        (await WithAuthorization(HttpMethod.Get, "/dashboard/", "Basic " + Api.Base64("any:wrong"))).Is(HttpStatusCode.Unauthorized, "unauthenticated");
        (await WithAuthorization(HttpMethod.Get, "/dashboard/", "Basic !")).Is(HttpStatusCode.Unauthorized, "unauthenticated");
    }

    [Fact]
    public async Task Body_WithoutAToken_IsNotRead()
    {
        using var raw = await RawHttp.Connect(api.Port);
        // The body never comes; an answer proves that nobody waits for it.
        await raw.Send("POST /encrypt HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\nConnection: close\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 401 ", await raw.ReadUntil("\r\n\r\n"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET", "/v1/keys/k/encrypt", "POST")]
    [InlineData("DELETE", "/v1/keys/k", "GET, PATCH")]
    [InlineData("PUT", "/v1/keys", "GET, POST")]
    [InlineData("PROPFIND", "/v1/random", "POST")]
    [InlineData("POST", "/v1/aliases/x", "DELETE, GET, PUT")]
    [InlineData("POST", "/health", "GET")]
    [InlineData("OPTIONS", "/v1/decrypt", "POST")]
    public async Task Method_ThatARouteDoesNotTake_IsMethodNotAllowed(string method, string path, string allowed)
    {
        var answer = (await api.Send(new HttpRequestMessage(new HttpMethod(method), path))).Is(HttpStatusCode.MethodNotAllowed, "method_not_allowed");
        Assert.Equal(allowed, string.Join(", ", answer.Header("Allow").Split(", ").Order(StringComparer.Ordinal)));
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/v1")]
    [InlineData("/v1/nothing")]
    [InlineData("/v1/keys/a/b")]
    [InlineData("/v1/keys/k/versions/1")]
    [InlineData("/v2/keys")]
    [InlineData("/index.html")]
    [InlineData("/v1/keys/k/parameters")]
    [InlineData("/v1/keys/k/nothing")]
    public async Task Address_ThatIsNotThere_IsNotFound(string path) => (await api.Get(path)).Is(HttpStatusCode.NotFound, "not_found");

    [Fact]
    public async Task RequestId_OfTheCaller_IsEchoed_AnUnsafeOneIsReplaced()
    {
        async Task<string> Echo(string? id)
        {
            var request = new HttpRequestMessage(HttpMethod.Get, "/v1/nothing");
            if (id is not null)
            {
                request.Headers.TryAddWithoutValidation("X-Request-Id", id);
            }

            return (await api.Send(request)).Header("X-Request-Id");
        }

        Assert.Equal("abc-123_x.y~z:/+=@", await Echo("abc-123_x.y~z:/+=@"));
        Assert.Equal(new string('a', 128), await Echo(new string('a', 128)));
        foreach (var bad in new[] { null, new string('a', 129), "a b", "<script>", "a\"b", "a{b}" })
        {
            var made = await Echo(bad);
            Assert.Matches("^[0-9a-f]{32}$", made);
        }

        Assert.NotEqual(await Echo(null), await Echo(null));
    }

    [Fact]
    public async Task Headers_OfSafety_AreOnGoodAndBadAnswers()
    {
        foreach (var path in new[] { "/v1/keys", "/v1/nothing", "/health" })
        {
            var answer = await api.Get(path);
            Assert.Equal("no-store", answer.Header("Cache-Control"));
            Assert.Equal("nosniff", answer.Header("X-Content-Type-Options"));
            Assert.Equal("", answer.Header("Server"));
            Assert.NotEqual("", answer.Header("Content-Length"));
        }
    }

    [Fact]
    public async Task Log_HasALineForEachRequest_AndNothingSecret()
    {
        var requestId = Api.NewId();
        var id = await api.NewKey();
        var request = new HttpRequestMessage(HttpMethod.Post, $"/v1/keys/{id}/encrypt")
        {
            Content = new StringContent("""{"plaintext":"c2VjcmV0LXBsYWludGV4dA=="}""", MediaTypeHeaderValue.Parse("application/json")),
        };
        request.Headers.Add("X-Request-Id", requestId);
        request.Headers.Add("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        var answer = (await api.Send(request)).Is(HttpStatusCode.OK);
        var entry = await LogLine(requestId);
        Assert.Equal("POST", (string)entry["method"]!);
        Assert.Equal("/v1/keys/{id}/encrypt", (string)entry["route"]!);
        Assert.Equal(200, (int)entry["status"]!);
        Assert.Equal("admin", (string)entry["principal"]!);
        Assert.Equal("4bf92f3577b34da6a3ce929d0e0e4736", (string)entry["trace_id"]!);
        Assert.Equal(id, (string)entry["key_id"]!);
        Assert.Equal(40, (int)entry["request_bytes"]!);
        Assert.Equal(answer.Body.Length, (int)entry["response_bytes"]!);
        Assert.True((double)entry["duration_ms"]! > 0);
        var all = api.Service.ToString();
        Assert.DoesNotContain(api.Token, all, StringComparison.Ordinal);
        Assert.DoesNotContain("c2VjcmV0LXBsYWludGV4dA", all, StringComparison.Ordinal);
        Assert.DoesNotContain("secret-plaintext", all, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Log_OfARequestWhoseCiphertextNamesTheKey_NamesItToo_GoodOrBad()
    {
        var id = await api.NewKey();
        var good = await api.Encrypt(id, [1]);
        byte[] bad = [.. good[..^1], (byte)(good[^1] ^ 1)];
        const string octets = "application/octet-stream";
        foreach (var (ciphertext, status) in new[] { (good, HttpStatusCode.OK), (bad, HttpStatusCode.BadRequest) })
        {
            var json = JsonSerializer.SerializeToUtf8Bytes(new { ciphertext });
            var reencrypt = JsonSerializer.SerializeToUtf8Bytes(new { ciphertext, destination_key_id = id });
            foreach (var (path, body, type) in new[]
            {
                ("/v1/decrypt", json, "application/json"), ("/v1/decrypt", ciphertext, octets), ("/decrypt", json, "application/json"),
                ("/v1/reencrypt", reencrypt, "application/json"),
            })
            {
                var requestId = Api.NewId();
                (await api.Body(HttpMethod.Post, path, body, type, ("X-Request-Id", requestId))).Is(status);
                Assert.Equal(id, (string?)(await LogLine(requestId))["key_id"]);
            }
        }
    }

    private async Task<JsonNode> LogLine(string requestId)
    {
        await api.Service.UntilSaid(requestId);
        return JsonNode.Parse(api.Service.Output.First(l => l.Contains(requestId, StringComparison.Ordinal)))!;
    }
}

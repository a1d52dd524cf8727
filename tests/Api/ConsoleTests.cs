using System.IO.Compression;
using System.Net;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using OrleansKms.Tests.Cluster;

namespace OrleansKms.Tests.Api;

/// <summary>The console's page and its sessions, without a browser.</summary>
[Collection(DefaultApiCollection.Name)]
public sealed partial class ConsoleTests(DefaultApi api) : IDisposable
{
    private const int MaxBytesOfAPage = 150_000;
    private static readonly string _files = Path.Combine(Repository.Root, "gateway", "WebConsole", "Files");

    // Cookies are only those that a test sends.
    private readonly HttpClient _client = new(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false }) { BaseAddress = api.Http.BaseAddress };

    public void Dispose() => _client.Dispose();

    /// <summary>A session as a browser has it.</summary>
    private sealed record Session(string Key, string Cookie);

    [Fact]
    public async Task Page_RunsNothingButItsOwnFiles()
    {
        var page = await Open("/console");
        page.Is(HttpStatusCode.OK);
        Assert.Equal("text/html; charset=utf-8", page.Header("Content-Type"));
        Assert.Equal(
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
            page.Header("Content-Security-Policy"));
        Assert.Equal(
            ("nosniff", "no-referrer", "same-origin", "same-origin", "no-cache"),
            (page.Header("X-Content-Type-Options"), page.Header("Referrer-Policy"), page.Header("Cross-Origin-Opener-Policy"), page.Header("Cross-Origin-Resource-Policy"), page.Header("Cache-Control")));
        Assert.All(Address().Matches(page.Text).Select(match => match.Groups[1].Value), address => Assert.StartsWith("/console/files/", address, StringComparison.Ordinal));
        Assert.DoesNotMatch("<script>|<style|style=| on[a-z]+=", page.Text);
        Assert.Equal(page.Text, (await Open("/console/")).Text);
    }

    [Fact]
    public async Task Page_IsSmall_WithEverythingThatItCanLoad()
    {
        foreach (var encoding in (string[])["br", "gzip"])
        {
            var whole = 0;
            foreach (var address in await AddressesOfFiles())
            {
                var file = await Open(address, encoding);
                Assert.Equal(encoding, file.Header("Content-Encoding"));
                whole += file.Body.Length;
                Assert.Equal((await Open(address)).Body, Decoded(file.Body, encoding));
            }

            Assert.InRange(whole, 1, MaxBytesOfAPage);
        }
    }

    [Fact]
    public async Task Files_AreKeptByBrowsers_UnderAnAddressOfTheirContent()
    {
        foreach (var address in (await AddressesOfFiles()).Where(address => address != "/console"))
        {
            var file = (await Open(address, "br")).Is(HttpStatusCode.OK);
            Assert.Equal(("public, max-age=31536000, immutable", "Accept-Encoding"), (file.Header("Cache-Control"), file.Header("Vary")));
            Assert.Contains("default-src 'none'", file.Header("Content-Security-Policy"), StringComparison.Ordinal);
        }

        var page = await Open("/console");
        (await Open("/console", tag: page.Header("ETag"))).Is(HttpStatusCode.NotModified);
        Assert.NotEqual(page.Header("ETag"), (await Open("/console", "br")).Header("ETag"));
        (await Open("/console", tag: "\"another\"")).Is(HttpStatusCode.OK);
        (await Open("/console/files/0123456789abcdef/console.js")).Is(HttpStatusCode.NotFound, "not_found");
        (await Open((await AddressesOfFiles())[1] + "x")).Is(HttpStatusCode.NotFound, "not_found");
        (await Open("/console/nothing")).Is(HttpStatusCode.NotFound, "not_found");
    }

    [Fact]
    public async Task Libraries_AreThoseOfTheManifest_AndHaveTheirLicences()
    {
        var folder = Path.Combine(_files, "vendor");
        var packages = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "manifest.json")))!["packages"]!.AsArray();
        var listed = packages.SelectMany(package => package!["files"]!.AsArray()).ToDictionary(file => (string)file!["file"]!, file => (string)file!["sha256"]!);
        Assert.Equal(
            Directory.EnumerateFiles(folder).Select(Path.GetFileName).Where(name => name != "manifest.json").Order(StringComparer.Ordinal),
            listed.Keys.Order(StringComparer.Ordinal));
        Assert.All(packages, package => Assert.Contains($"{(string)package!["name"]!}.LICENSE.txt", listed.Keys, StringComparer.OrdinalIgnoreCase));
        var prefix = (await AddressesOfFiles())[1];
        prefix = prefix[..(prefix.IndexOf('/', "/console/files/".Length) + 1)];
        foreach (var (name, hash) in listed)
        {
            Assert.Equal(hash, Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(Path.Combine(folder, name)))));
            Assert.Equal(hash, Convert.ToHexStringLower(SHA256.HashData((await Open($"{prefix}vendor/{name}")).Body)));
        }
    }

    // What the service says becomes text of the page, whatever is in it.
    [Fact]
    public void Scripts_NeverMakeMarkupOfText()
    {
        var scripts = Directory.GetFiles(_files, "*.js");
        Assert.True(scripts.Length >= 10);
        Assert.All(scripts, path => Assert.DoesNotMatch(
            "innerHTML|outerHTML|insertAdjacentHTML|dangerouslySetInnerHTML|document\\.write|srcdoc|DOMParser|createContextualFragment|\\beval\\(|new Function|javascript:|style=",
            File.ReadAllText(path)));
    }

    [Fact]
    public async Task Root_LeadsABrowserToTheConsole_AndNobodyElse()
    {
        foreach (var authorization in (string?[])[null, "Bearer " + api.Token])
        {
            var answer = await Ask("text/html,application/xhtml+xml", authorization);
            answer.Is(HttpStatusCode.Redirect);
            Assert.Equal("/console", answer.Header("Location"));
        }

        (await Ask("application/json", null)).Is(HttpStatusCode.Unauthorized, "unauthenticated");
        (await Ask("*/*", "Bearer " + api.Token)).Is(HttpStatusCode.NotFound, "not_found");

        Task<Answer> Ask(string accept, string? authorization)
        {
            var request = new HttpRequestMessage(HttpMethod.Get, "/");
            request.Headers.Add("Accept", accept);
            if (authorization is not null) request.Headers.Add("Authorization", authorization);
            return Api.Send(_client, request);
        }
    }

    [Fact]
    public async Task SignIn_GivesACookieThatScriptsCannotRead_AndAKeyToIt()
    {
        var answer = await SignIn(api.Token);
        answer.Is(HttpStatusCode.OK);
        Assert.Equal(["key", "ends_at", "dashboard"], answer.Json.AsObject().Select(member => member.Key));
        Assert.True((bool)answer.Json["dashboard"]!);
        var parts = answer.Header("Set-Cookie").Split("; ");
        Assert.StartsWith("okms-console=", parts[0], StringComparison.Ordinal);
        Assert.Equal(["httponly", "max-age=1800", "path=/v1", "samesite=strict"], parts[1..].Order(StringComparer.Ordinal));
        Assert.Equal("no-store", answer.Header("Cache-Control"));
        Assert.DoesNotContain(api.Token, answer.Header("Set-Cookie") + answer.Text, StringComparison.Ordinal);
        var who = (await As(SessionOf(answer), HttpMethod.Get, "/v1/whoami")).Is(HttpStatusCode.OK).Json;
        Assert.Equal(("admin", "administrator"), ((string)who["principal"]!, (string)who["credential"]!));
    }

    [Fact]
    public async Task SignIn_OfWhoeverHasNoToken_IsRefused()
    {
        (await SignIn(null)).Is(HttpStatusCode.Unauthorized, "unauthenticated");
        var wrong = await SignIn("okms_0123456789abcdef_" + new string('A', 43));
        wrong.Is(HttpStatusCode.Unauthorized, "unauthenticated");
        Assert.Equal("", wrong.Header("Set-Cookie"));
        (await SignIn(api.Token, ("Sec-Fetch-Site", "cross-site"))).Is(HttpStatusCode.Forbidden, "permission_denied");
        (await SignIn(api.Token, ("Origin", "https://elsewhere.example"))).Is(HttpStatusCode.Forbidden, "permission_denied");
        (await SignIn(api.Token, path: "/console/session?token=x")).Is(HttpStatusCode.BadRequest, "invalid_request");
        (await api.Post("/console/session", new { token = "x" })).Is(HttpStatusCode.BadRequest, "invalid_request");
        // A session does not begin another one.
        (await As(await Begin(api.Token), HttpMethod.Post, "/console/session")).Is(HttpStatusCode.Unauthorized, "unauthenticated");
    }

    [Fact]
    public async Task Session_DoesWhatItsTokenMay_AsItsPrincipal()
    {
        var (name, token, _) = await Principal("administrator");
        var session = await Begin(token);
        var id = Api.NewId();
        (await As(session, HttpMethod.Post, "/v1/keys", new { id })).Is(HttpStatusCode.Created);
        // For this a silo wants the token itself.
        (await As(session, HttpMethod.Post, "/v1/principals", new { name = Api.NewId() })).Is(HttpStatusCode.Created);
        (await As(session, HttpMethod.Get, "/v1/nothing")).Is(HttpStatusCode.NotFound, "not_found");
        foreach (var (query, action) in (ValueTuple<string, string>[])[($"key={id}", "keys:create"), ($"principal={name}&action=service:sign-in", "service:sign-in")])
        {
            var record = await Recorded(query, action);
            Assert.Equal((name, "ok"), ((string)record["principal"]!, (string)record["outcome"]!));
            Assert.StartsWith("token:", (string)record["credential"]!, StringComparison.Ordinal);
        }

        var (_, reader, _) = await Principal("key-user");
        (await As(await Begin(reader), HttpMethod.Get, "/v1/principals")).Is(HttpStatusCode.Forbidden, "permission_denied");
        Assert.False((bool)(await SignIn(reader)).Json["dashboard"]!);
    }

    [Fact]
    public async Task Session_OfHalves_OfAnotherSite_AndElsewhere_IsNone()
    {
        var (session, other) = (await Begin(api.Token), await Begin(api.Token));
        (await As(session, HttpMethod.Get, "/v1/keys?limit=1")).Is(HttpStatusCode.OK);
        // What a page of another site could make a browser send: the cookie, and never the header.
        (await As(session with { Key = "" }, HttpMethod.Get, "/v1/keys?limit=1")).Is(HttpStatusCode.Unauthorized, "unauthenticated");
        (await As(session with { Cookie = "" }, HttpMethod.Get, "/v1/keys?limit=1")).Is(HttpStatusCode.Unauthorized, "unauthenticated");
        (await As(session with { Key = other.Key }, HttpMethod.Get, "/v1/keys?limit=1")).Is(HttpStatusCode.Unauthorized, "unauthenticated");
        (await As(session with { Cookie = session.Cookie[..^2] + "AA" }, HttpMethod.Get, "/v1/keys?limit=1")).Is(HttpStatusCode.Unauthorized, "unauthenticated");
        foreach (var (header, value) in (ValueTuple<string, string>[])
            [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Site", "same-site"), ("Sec-Fetch-Site", ""), ("Origin", "https://elsewhere.example"), ("Origin", "null")])
        {
            (await As(session, HttpMethod.Get, "/v1/whoami", null, (header, value))).Is(HttpStatusCode.Unauthorized, "unauthenticated");
            (await As(session, HttpMethod.Post, "/v1/random", new { bytes = 1 }, (header, value))).Is(HttpStatusCode.Unauthorized, "unauthenticated");
        }

        (await As(session, HttpMethod.Post, "/v1/random", new { bytes = 1 }, ("Sec-Fetch-Site", "same-origin"))).Is(HttpStatusCode.OK);
        (await As(session, HttpMethod.Post, "/v1/random", new { bytes = 1 }, ("Origin", api.Http.BaseAddress!.GetLeftPart(UriPartial.Authority)))).Is(HttpStatusCode.OK);
        foreach (var path in (string[])["/metrics", "/dashboard/", "/encrypt", "/", "/v1x/keys"])
        {
            (await As(session, HttpMethod.Get, path)).Is(HttpStatusCode.Unauthorized, "unauthenticated");
        }

        var raw = Request(session, HttpMethod.Post, $"/v1/keys/{Api.NewId()}/encrypt");
        raw.Content = new ByteArrayContent([1]) { Headers = { ContentType = new("application/octet-stream") } };
        (await Api.Send(_client, raw)).Is(HttpStatusCode.Unauthorized, "unauthenticated");
        // No page of another origin may even ask.
        var asked = await As(session with { Key = "" }, HttpMethod.Options, "/v1/keys", null, ("Origin", "https://elsewhere.example"), ("Access-Control-Request-Headers", "authorization"));
        Assert.Equal("", asked.Header("Access-Control-Allow-Origin"));
    }

    [Fact]
    public async Task Session_EndsWithItsToken_AndWithItsPrincipal()
    {
        var (name, token, id) = await Principal("key-manager");
        var session = await Begin(token);
        (await As(session, HttpMethod.Get, "/v1/keys?limit=1")).Is(HttpStatusCode.OK);
        (await api.Delete($"/v1/principals/{name}/tokens/{id}")).Is(HttpStatusCode.NoContent);
        var refused = (await As(session, HttpMethod.Get, "/v1/keys?limit=1")).Is(HttpStatusCode.Unauthorized, "unauthenticated");
        Assert.Equal("The console's session has ended: sign in again.", (string)refused.Json["detail"]!);

        (name, token, _) = await Principal("key-manager");
        session = await Begin(token);
        (await As(session, HttpMethod.Get, "/v1/keys?limit=1")).Is(HttpStatusCode.OK);
        (await api.Post($"/v1/principals/{name}/disable")).Is(HttpStatusCode.OK);
        (await As(session, HttpMethod.Get, "/v1/keys?limit=1")).Is(HttpStatusCode.Unauthorized, "unauthenticated");
    }

    [Fact]
    public async Task SignOut_RemovesTheCookie()
    {
        var answer = await Open("/console/session", method: HttpMethod.Delete);
        answer.Is(HttpStatusCode.NoContent);
        Assert.Equal(2, answer.Response.Headers.GetValues("Set-Cookie").Count());
        Assert.All(answer.Response.Headers.GetValues("Set-Cookie"), cookie =>
            Assert.Matches("^(__Secure-)?okms-console=; expires=Thu, 01 Jan 1970 00:00:00 GMT; path=/v1;( secure;)? samesite=strict; httponly$", cookie));
    }

    [GeneratedRegex("(?:src|href)=\"([^\"]*)\"")]
    private static partial Regex Address();

    [GeneratedRegex("(?:from |import\\(|new URL\\()'(\\./[^']+)'")]
    private static partial Regex Import();

    private static byte[] Decoded(byte[] bytes, string encoding)
    {
        using Stream decoding = encoding == "br"
            ? new BrotliStream(new MemoryStream(bytes), CompressionMode.Decompress)
            : new GZipStream(new MemoryStream(bytes), CompressionMode.Decompress);
        using var decoded = new MemoryStream();
        decoding.CopyTo(decoded);
        return decoded.ToArray();
    }

    private static Session SessionOf(Answer answer) =>
        new((string)answer.Json["key"]!, answer.Header("Set-Cookie").Split(';')[0]["okms-console=".Length..]);

    /// <summary>The page, and everything that it loads sooner or later.</summary>
    private async Task<List<string>> AddressesOfFiles()
    {
        var found = new List<string> { "/console" };
        foreach (var address in Address().Matches((await Open("/console")).Text).Select(match => match.Groups[1].Value)) Add(address);
        for (var i = 1; i < found.Count; i++)
        {
            if (!found[i].EndsWith("js", StringComparison.Ordinal)) continue;
            var text = (await Open(found[i])).Is(HttpStatusCode.OK).Text;
            foreach (Match import in Import().Matches(text)) Add(new Uri(new Uri("http://x" + found[i]), import.Groups[1].Value).AbsolutePath);
        }

        Assert.InRange(found.Count, 15, 40);
        return found;

        void Add(string address)
        {
            if (!found.Contains(address)) found.Add(address);
        }
    }

    private async Task<Answer> Open(string path, string? encoding = null, string? tag = null, HttpMethod? method = null)
    {
        var request = new HttpRequestMessage(method ?? HttpMethod.Get, path);
        if (encoding is not null) request.Headers.Add("Accept-Encoding", encoding);
        if (tag is not null) request.Headers.Add("If-None-Match", tag);
        return await Api.Send(_client, request);
    }

    private Task<Answer> SignIn(string? token, (string Name, string Value)? header = null, string path = "/console/session")
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path);
        request.Headers.TryAddWithoutValidation("Authorization", token is null ? "" : "Bearer " + token);
        if (header is { } given) request.Headers.Add(given.Name, given.Value);
        return Api.Send(_client, request);
    }

    private async Task<Session> Begin(string token) => SessionOf((await SignIn(token)).Is(HttpStatusCode.OK));

    private static HttpRequestMessage Request(Session session, HttpMethod method, string path)
    {
        var request = new HttpRequestMessage(method, path);
        request.Headers.TryAddWithoutValidation("Authorization", session.Key.Length == 0 ? "" : "Console " + session.Key);
        request.Headers.Add("Cookie", "okms-console=" + session.Cookie);
        return request;
    }

    private Task<Answer> As(Session session, HttpMethod method, string path, object? body = null, params (string Name, string Value)[] headers)
    {
        var request = Request(session, method, path);
        if (body is not null) request.Content = System.Net.Http.Json.JsonContent.Create(body);
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        return Api.Send(_client, request);
    }

    private async Task<(string Name, string Token, string Id)> Principal(string policy)
    {
        var name = Api.NewId();
        (await api.Post("/v1/principals", new { name, policies = new[] { policy } })).Is(HttpStatusCode.Created);
        var made = (await api.Post($"/v1/principals/{name}/tokens")).Is(HttpStatusCode.Created).Json;
        return (name, (string)made["token"]!, (string)made["id"]!);
    }

    // The searchable copy of the trail follows it.
    private async Task<JsonNode> Recorded(string query, string action)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (true)
        {
            var records = (await api.Get("/v1/audit?" + query)).Is(HttpStatusCode.OK).Json["records"]!.AsArray();
            if (records.FirstOrDefault(record => (string)record!["action"]! == action) is { } found) return found;
            await Task.Delay(50, patience.Token);
        }
    }
}

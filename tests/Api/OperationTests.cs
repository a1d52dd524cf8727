using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;

namespace OrleansKms.Tests.Api;

[Collection(DefaultApiCollection.Name)]
public sealed partial class OperationTests(DefaultApi api)
{
    [Theory]
    [InlineData("/health")]
    [InlineData("/health/ready")]
    public async Task Health_NamesThePartsThereAre(string path)
    {
        var health = (await api.Get(path)).Is(HttpStatusCode.OK).Json;
        Assert.Equal("healthy", (string)health["status"]!);
        Assert.Equal(["audit", "clock", "cluster", "database", "keks"], health["checks"]!.AsObject().Select(p => p.Key).Order());
        Assert.All(health["checks"]!.AsObject(), c => Assert.Equal("healthy", (string)c.Value!));
    }

    [Fact]
    public async Task Live_TellsThatTheProcessRuns() =>
        Assert.Equal("healthy", (string)(await api.Get("/health/live")).Is(HttpStatusCode.OK).Json["status"]!);

    [Fact]
    public async Task Metrics_HaveTheirExactNames()
    {
        var id = await api.NewKey();
        await api.Encrypt(id, [1]);
        await api.Encrypt(id, [1]);
        await api.Post($"/v1/keys/{id}/encrypt", new { plaintext = "" });
        var lines = (await Metrics($"encryption_duration_seconds_count{{key_id=\"{id}\"}}")).Split('\n');
        Assert.Contains($"encryptions_total{{key_id=\"{id}\",status=\"success\"}} 2", lines.Select(l => TimeStamp().Replace(l, "")));
        Assert.Contains(lines, l => l.StartsWith($"encryption_duration_seconds_count{{key_id=\"{id}\"}} 2", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.StartsWith($"encryption_duration_seconds_bucket{{key_id=\"{id}\",le=\"0.001\"}}", StringComparison.Ordinal));
        Assert.Contains("# TYPE encryptions_total counter", lines);
        Assert.Contains("# TYPE encryption_duration_seconds histogram", lines);
    }

    [Fact]
    public async Task MetricsToken_OpensMetricsAlone_AndIsReadAgain()
    {
        var file = Path.Combine(api.Service.DataDirectory, "metrics.token");
        var token = (await File.ReadAllTextAsync(file)).Trim();
        Assert.NotEqual(api.Token, token);
        (await As(token, HttpMethod.Get, "/metrics")).Is(HttpStatusCode.OK);
        (await As(api.Token, HttpMethod.Get, "/metrics")).Is(HttpStatusCode.OK);
        (await As(token + "x", HttpMethod.Get, "/metrics")).Is(HttpStatusCode.Unauthorized, "unauthenticated");
        foreach (var path in (string[])["/v1/keys", "/v1/keys/some", "/v1/aliases", "/v1/admin/keks", "/dashboard/", "/metric", "/metricsx", "/nothing"])
        {
            (await As(token, HttpMethod.Get, path)).Is(HttpStatusCode.Unauthorized, "unauthenticated");
        }

        (await As(token, HttpMethod.Post, "/v1/random")).Is(HttpStatusCode.Unauthorized, "unauthenticated");

        const string Replaced = "a-new-token-for-metrics-that-is-long-enough";
        await File.WriteAllTextAsync(file, Replaced);
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while ((await As(Replaced, HttpMethod.Get, "/metrics")).Status != HttpStatusCode.OK) await Task.Delay(50, patience.Token);
        (await As(token, HttpMethod.Get, "/metrics")).Is(HttpStatusCode.Unauthorized, "unauthenticated");
    }

    [Fact]
    public async Task Metrics_CountEachItem_OfABatchThatIsRefusedAsAWhole()
    {
        var id = await api.NewKey();
        await api.Encrypt(id, [1]);
        (await api.Post($"/v1/keys/{id}/disable")).Is(HttpStatusCode.OK);
        var items = new[] { new { plaintext = "AQ==" }, new { plaintext = "Ag==" } };
        (await api.Post($"/v1/keys/{id}/encrypt", new { items })).Is(HttpStatusCode.Conflict, "key_disabled");
        Assert.Contains(
            $"encryptions_total{{key_id=\"{id}\",status=\"key_disabled\"}} 2",
            (await Metrics($"encryptions_total{{key_id=\"{id}\",status=\"key_disabled\"}}")).Split('\n').Select(l => TimeStamp().Replace(l, "")));
    }

    [Fact]
    public async Task OpenApi_StatesLimitsByTheirValues()
    {
        var answer = (await api.Get("/openapi/v1.json")).Is(HttpStatusCode.OK);
        var text = answer.Json.ToJsonString();
        Assert.DoesNotContain(nameof(KmsLimits), text, StringComparison.Ordinal);
        Assert.DoesNotContain("SettingTable", text, StringComparison.Ordinal);
        string Field(string type, string name) => (string)answer.Json["components"]!["schemas"]![type]!["properties"]![name]!["description"]!;
        Assert.Equal($"Free text, up to {KmsLimits.DescriptionLength.ToString("N0", CultureInfo.InvariantCulture)} characters.", Field("CreateKeyBody", "description"));
        Assert.StartsWith($"Authenticated, not encrypted; up to {KmsLimits.AssociatedDataBytes >> 10} KiB.", Field("EncryptBody", "associated_data"), StringComparison.Ordinal);
        Assert.Contains($"at most P{KmsLimits.MaxTokenLife.Days}D", Field("CreateTokenBody", "expires_in"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task OpenApi_Is31_AndTellsOfEveryRoute()
    {
        var document = (await api.Get("/openapi/v1.json")).Is(HttpStatusCode.OK).Json;
        Assert.StartsWith("3.1.", (string)document["openapi"]!, StringComparison.Ordinal);
        var operations = document["paths"]!.AsObject().SelectMany(p => p.Value!.AsObject().Select(o => (Path: p.Key, Method: o.Key, o.Value))).ToList();
        string[] expected =
        [
            "delete /v1/aliases/{name}", "delete /v1/namespaces/{prefix}/limits", "delete /v1/principals/{name}",
            "delete /v1/principals/{name}/tokens/{id}", "get /health", "get /health/live", "get /health/ready", "get /openapi/v1.json",
            "get /v1/admin/keks", "get /v1/admin/logging", "put /v1/admin/logging", "get /v1/aliases", "get /v1/aliases/{name}", "get /v1/audit", "get /v1/audit/logs", "get /v1/approvals", "get /v1/approvals/{id}", "get /v1/keys",
            "get /v1/keys/{id}", "get /v1/keys/{id}/history", "get /v1/keys/{id}/public-key", "get /v1/jwks", "post /v1/keys/{id}/jws", "get /v1/namespaces/{prefix}/limits", "get /v1/principals", "get /v1/principals/{name}",
            "get /v1/principals/{name}/tokens", "get /v1/whoami", "patch /v1/keys/{id}", "patch /v1/principals/{name}", "post /decrypt",
            "post /encrypt", "post /v1/admin/keks/rotate", "post /v1/admin/keks/{id}/destroy", "post /v1/approvals/{id}/approve",
            "post /v1/approvals/{id}/cancel", "post /v1/approvals/{id}/reject", "post /v1/batch", "post /v1/decrypt", "post /v1/keys",
            "post /v1/keys/validate", "post /v1/keys/{id}/cancel-deletion", "post /v1/keys/{id}/datakey", "post /v1/keys/{id}/datakey-pair", "post /v1/keys/{id}/decapsulate", "post /v1/keys/{id}/decrypt", "post /v1/keys/{id}/derive",
            "post /v1/keys/{id}/disable", "post /v1/keys/{id}/enable", "post /v1/keys/{id}/encapsulate", "post /v1/keys/{id}/encrypt", "post /v1/keys/{id}/export", "post /v1/keys/{id}/import", "post /v1/keys/{id}/import-parameters", "post /v1/keys/{id}/mac", "post /v1/keys/{id}/mac/verify", "post /v1/keys/{id}/rewrap",
            "post /v1/keys/{id}/rotate", "post /v1/keys/{id}/schedule-deletion", "post /v1/keys/{id}/sign", "post /v1/keys/{id}/verify", "post /v1/keys/{id}/versions/{n}/cancel-destroy",
            "post /v1/keys/{id}/versions/{n}/destroy", "post /v1/keys/{id}/versions/{n}/disable", "post /v1/keys/{id}/versions/{n}/enable",
            "post /v1/principals", "post /v1/principals/{name}/disable", "post /v1/principals/{name}/enable", "post /v1/principals/{name}/tokens",
            "post /v1/random", "post /v1/reencrypt", "put /v1/aliases/{name}", "put /v1/namespaces/{prefix}/limits",
            "get /v1/keys/{id}/backup", "post /v1/restore", "delete /v1/keys/{id}/policy", "delete /v1/policies/{name}", "get /v1/keys/{id}/policy", "get /v1/policies", "get /v1/policies/{name}",
            "post /v1/policies/simulate", "put /v1/keys/{id}/policy", "put /v1/policies/{name}",
        ];
        Assert.Equal(expected.Order(StringComparer.Ordinal), operations.Select(o => $"{o.Method} {o.Path}").Order(StringComparer.Ordinal));
        Assert.Equal(operations.Count, operations.Select(o => (string)o.Value!["operationId"]!).Distinct().Count());
        Assert.All(operations, o => Assert.NotNull(o.Value!["responses"]!["default"]));
        var body = document["components"]!["schemas"]!["EncryptShortBody"]!;
        Assert.Equal(["algorithm", "associated_data", "key_id", "plaintext", "raw"], body["properties"]!.AsObject().Select(p => p.Key).Order());
        Assert.Equal(["key_id", "plaintext"], body["required"]!.AsArray().Select(r => (string)r!).Order());
        var created = document["components"]!["schemas"]!["CreateKeyBody"]!["properties"]!;
        Assert.Equal(KeySpec.All.Select(spec => spec.Name), created["spec"]!["enum"]!.AsArray().Select(name => (string)name!));
        Assert.Contains("sign_verify", created["usage"]!["enum"]!.AsArray().Select(name => (string)name!));
        var alias = document["components"]!["schemas"]!["ListAliasesAnswer"]!["properties"]!["aliases"]!["items"]!;
        Assert.Equal(["name"], alias["required"]!.AsArray().Select(r => (string)r!));
        var key = document["components"]!["schemas"]!["KeyAnswer"]!["properties"]!.AsObject().Select(p => p.Key);
        Assert.All(key, name => Assert.Matches("^[a-z_]+$", name));
    }

    [Fact]
    public async Task Docs_LoadNothingFromElsewhere()
    {
        var page = (await api.Get("/docs/")).Is(HttpStatusCode.OK);
        Assert.Equal("text/html", page.Header("Content-Type"));
        Assert.DoesNotMatch("(src|href)=\"(https?:)?//", page.Text);
        var policy = page.Header("Content-Security-Policy");
        Assert.Contains("default-src 'none'", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("http", policy, StringComparison.Ordinal);
        var nonces = Nonce().Matches(page.Text).Select(m => m.Groups[1].Value).Distinct().ToList();
        Assert.Contains($"'nonce-{Assert.Single(nonces)}'", policy, StringComparison.Ordinal);
        Assert.NotEqual(policy, (await api.Get("/docs/")).Header("Content-Security-Policy"));
        foreach (var script in Script().Matches(page.Text).Select(m => m.Groups[1].Value))
        {
            Assert.NotEmpty((await api.Get("/docs/" + script)).Is(HttpStatusCode.OK).Body);
        }
    }

    private async Task<Answer> As(string token, HttpMethod method, string path)
    {
        using var request = new HttpRequestMessage(method, path);
        request.Headers.Authorization = new("Bearer", token);
        return await api.Send(request);
    }

    // The exporter keeps an answer for a moment.
    private async Task<string> Metrics(string series)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (true)
        {
            var text = (await api.Get("/metrics")).Is(HttpStatusCode.OK).Text;
            if (text.Contains(series, StringComparison.Ordinal)) return text;
            await Task.Delay(50, patience.Token);
        }
    }

    [GeneratedRegex(" \\d{13}$")]
    private static partial Regex TimeStamp();

    [GeneratedRegex("nonce=\"([^\"]+)\"")]
    private static partial Regex Nonce();

    [GeneratedRegex("src=\"([^\"]+)\"")]
    private static partial Regex Script();
}

using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansKms.Gateway.Rest;

namespace OrleansKms.Tests.Api;

/// <summary>That every operation leaves its record in the audit trail, allowed or refused, before its answer arrives.</summary>
[Collection(DefaultApiCollection.Name)]
public sealed class AuditCoverageTests(DefaultApi api)
{
    // What no route asks for, and what the service writes by itself.
    private static readonly string[] _withoutRoute = ["keys:check-rows", "service:sign-in"];

    public static IEnumerable<object[]> Addresses => Routes.All.Select(route => (object[])[route.Method, route.Pattern]);

    [Fact]
    public void Operations_AreAskedForByARoute_OrAreKnownNotToBe() => Assert.Equal(
        KmsOperation.All.Values.Where(row => row.IsAudited).Select(row => row.Name).Order(StringComparer.Ordinal),
        Routes.All.Append(Routes.Metrics).Select(route => route.Operation!)
            .Append(KmsOperation.SeeDashboard).Where(row => row.IsAudited).Select(row => row.Name)
            .Concat(_withoutRoute).Distinct().Order(StringComparer.Ordinal));

    /// <summary>Whatever becomes of it: with nothing in its body, most are refused for their form.</summary>
    [Theory]
    [MemberData(nameof(Addresses))]
    public async Task Route_LeavesARecord(string method, string pattern)
    {
        var route = Routes.All.Single(row => row.Method == method && row.Pattern == pattern);
        var key = await api.NewKey();
        var (id, answer) = await Send(method, pattern.Replace("{id}", key, StringComparison.Ordinal), "{}");
        var records = await Records(id);
        if (!route.Operation!.IsAudited)
        {
            Assert.Empty(records);
            return;
        }

        var record = Assert.Single(records, record => (string?)record["action"] == route.Operation.Name);
        Assert.Equal((int)answer.Status < 400 ? "ok" : answer.Code, (string?)record["outcome"]);
        Assert.Equal("admin", (string?)record["principal"]);
        if (pattern.Contains("/keys/{id}", StringComparison.Ordinal) && !pattern.Contains("admin", StringComparison.Ordinal)) Assert.Equal(key, (string?)record["key_id"]);
    }

    [Theory]
    [MemberData(nameof(Addresses))]
    public async Task Route_LeavesARecord_OfWhoMayNot(string method, string pattern)
    {
        var (id, answer) = await Send(method, pattern, "{}", "wrong");
        var records = await Records(id);
        if (Routes.All.Single(row => row.Method == method && row.Pattern == pattern).IsOpen)
        {
            Assert.Empty(records);
            return;
        }

        Assert.Equal((HttpStatusCode.Unauthorized, "unauthenticated"), (answer.Status, answer.Code));
        var record = Assert.Single(records);
        Assert.Equal(("service:sign-in", "unauthenticated", "anonymous"), ((string?)record["action"], (string?)record["outcome"], (string?)record["principal"]));
    }

    [Fact]
    public async Task WhatNoRouteIs_IsNoOperation()
    {
        var (id, answer) = await Send("GET", "/v1/nothing", "");
        answer.Is(HttpStatusCode.NotFound, "not_found");
        Assert.Empty(await Records(id));
        (id, answer) = await Send("DELETE", "/v1/keys", "");
        answer.Is(HttpStatusCode.MethodNotAllowed, "method_not_allowed");
        Assert.Empty(await Records(id));
    }

    [Fact]
    public async Task Parts_OfABatch_AreOneEach()
    {
        var (one, other) = (await api.NewKey(), await api.NewKey());
        var (id, answer) = await Send("POST", "/v1/batch", $$"""
            {"operations":[{"op":"encrypt","key_id":"{{one}}","plaintext":"YQ=="},{"op":"encrypt","key_id":"alias:none","plaintext":"YQ=="},
            {"op":"encrypt","key_id":"{{other}}","plaintext":""},{"op":"datakey","key_id":"{{other}}"}]}
            """);
        answer.Is(HttpStatusCode.OK);
        Assert.Equal(
            ["keys:datakey ok " + other, "keys:encrypt alias_not_found ", "keys:encrypt invalid_parameter " + other, "keys:encrypt ok " + one],
            (await Records(id)).Select(record => $"{record["action"]} {record["outcome"]} {record["key_id"]}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Items_AreCounted_AlsoThoseThatNoGrainSees()
    {
        var key = await api.NewKey();
        var (id, answer) = await Send("POST", $"/v1/keys/{key}/encrypt", """{"items":[{"plaintext":"YQ=="},{"plaintext":""},{"plaintext":""}]}""");
        answer.Is(HttpStatusCode.OK);
        Assert.Equal(
            ["ok 1 0", "invalid_parameter 2 2"],
            (await Records(id)).Select(record => $"{record["outcome"]} {record["items"]} {record["failed_items"]}").OrderDescending(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("ECC_NIST_P256", "verify", "signature")]
    [InlineData("HMAC_256", "mac/verify", "mac")]
    public async Task Verification_OfWhatIsNotValid_SaysSo(string spec, string action, string field)
    {
        var key = await api.NewKey(new { spec });
        var wrong = $$"""{"message":"YQ==","{{field}}":"{{Convert.ToBase64String(new byte[32])}}"}""";
        var (one, answer) = await Send("POST", $"/v1/keys/{key}/{action}", wrong);
        Assert.False((bool)answer.Is(HttpStatusCode.OK).Json["valid"]!);
        var (many, _) = await Send("POST", $"/v1/keys/{key}/{action}", $$"""{"items":[{{wrong}},{{wrong}}]}""");
        Assert.Equal(["ok not valid", "ok 2 not valid"], new[] { Assert.Single(await Records(one)), Assert.Single(await Records(many)) }.Select(record => $"{record["outcome"]} {record["detail"]}"));
    }

    [Fact]
    public async Task Alias_IsOneRecord_WithTheKeyThatItStandsFor()
    {
        var (key, alias) = (await api.NewKey(), Api.NewId());
        var (pointed, answer) = await Send("PUT", $"/v1/aliases/{alias}", $$"""{"key_id":"{{key}}"}""");
        answer.Is(HttpStatusCode.OK);
        Assert.Contains(await Records(pointed), record => $"{record["action"]} {record["alias"]} {record["key_id"]}" == $"aliases:point {alias} {key}");
        var (used, _) = await Send("POST", $"/v1/keys/alias:{alias}/encrypt", """{"plaintext":"YQ=="}""");
        Assert.Equal($"keys:encrypt {key}", Assert.Single((await Records(used)).Select(record => $"{record["action"]} {record["key_id"]}")));
    }

    [Theory]
    [InlineData("/metrics", "service:metrics")]
    [InlineData("/dashboard/", "service:dashboard")]
    public async Task WhatNoGrainAnswers_IsRecorded(string path, string action)
    {
        var (id, _) = await Send("GET", path, "");
        Assert.Equal((action, "ok"), Assert.Single((await Records(id)).Select(record => ((string?)record["action"], (string?)record["outcome"]))));
    }

    [Fact]
    public async Task Trace_IsRecorded()
    {
        const string trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        var key = await api.NewKey();
        var (id, _) = await Send("GET", $"/v1/keys/{key}", "", headers: ("traceparent", $"00-{trace}-00f067aa0ba902b7-01"));
        Assert.Equal(trace, (string?)Assert.Single(await Records(id))["trace_id"]);
    }

    /// <summary>Sends a request with an id of its own.</summary>
    private async Task<(string Id, Answer Answer)> Send(
        string method, string path, string body, string? token = null, params (string Name, string Value)[] headers)
    {
        var id = Api.NewId();
        using var request = new HttpRequestMessage(new(method), path.Replace("{name}", Api.NewId(), StringComparison.Ordinal)
            .Replace("{n}", "1", StringComparison.Ordinal).Replace("{id}", Api.NewId(), StringComparison.Ordinal));
        request.Headers.Add("X-Request-Id", id);
        foreach (var (name, value) in headers) request.Headers.Add(name, value);
        if (token is not null) request.Headers.Authorization = new("Bearer", token);
        if (method is not ("GET" or "DELETE")) request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        return (id, await api.Send(request));
    }

    /// <summary>A request's records: of those not yet moved to the record files, then of these, each once.</summary>
    private async Task<List<JsonObject>> Records(string requestId)
    {
        var records = new SortedDictionary<long, JsonObject>();
        var log = Assert.Single(Directory.GetDirectories(Path.Combine(api.Service.DataDirectory, "audit")));
        foreach (var file in (string[])[.. Directory.GetFiles(log, "pending"), .. Directory.GetFiles(Path.Combine(log, "records"))])
        {
            await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var reader = new StreamReader(stream);
            while (await reader.ReadLineAsync() is { } line)
            {
                // Of records not yet moved, NULs precede the first, a checksum follows each, and parts of older ones may remain.
                var text = line[(line.LastIndexOf('\0') + 1)..].Split('\t')[0];
                if (!text.StartsWith('{') || !text.Contains(requestId, StringComparison.Ordinal)) continue;
                var record = JsonSerializer.Deserialize<JsonObject>(text)!;
                records[(long)record["sequence"]!] = record;
            }
        }

        return [.. records.Values];
    }
}

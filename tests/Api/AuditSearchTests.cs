using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;

namespace OrleansKms.Tests.Api;

/// <summary>Search of the audit trail, and the logs that it is made of.</summary>
[Collection(DefaultApiCollection.Name)]
public sealed class AuditSearchTests(DefaultApi api)
{
    [Fact]
    public async Task Search_FindsByEachField_NewestFirst_PageByPage()
    {
        var key = await api.NewKey();
        for (var i = 0; i < 5; i++) await api.Encrypt(key, [1, 2, 3], [4]);
        (await api.Post($"/v1/keys/{key}/encrypt", new { plaintext = "" })).Is(HttpStatusCode.BadRequest);
        (await api.Post($"/v1/keys/{key}/rotate")).Is(HttpStatusCode.OK);
        var all = await Until($"key={key}", 8);
        Assert.Equal(
            ["keys:rotate ok", "keys:encrypt invalid_parameter", "keys:encrypt ok", "keys:encrypt ok", "keys:encrypt ok", "keys:encrypt ok", "keys:encrypt ok", "keys:create ok"],
            all.Select(record => $"{record["action"]} {record["outcome"]}"));
        var encrypted = all[2];
        Assert.Equal(
            ["sequence", "time", "log", "request_id", "principal", "credential", "source", "action", "key_id", "key_version", "outcome", "bytes", "associated_data_hmac"],
            encrypted.AsObject().Select(member => member.Key).Where(name => name != "trace_id").Union(["credential"])
                .OrderBy(name => Array.IndexOf(["sequence", "time", "log", "request_id", "principal", "credential"], name) is var at and >= 0 ? at : 6));
        Assert.Equal(2, (long?)all[0]["revision"]);

        Assert.Equal(5, (await Search($"key={key}&action=keys:encrypt&outcome=ok&principal=admin")).Count);
        Assert.Single(await Search($"key={key}&outcome=invalid_parameter"));
        Assert.Empty(await Search($"key={key}&principal=nobody"));
        var times = all.Select(record => (string)record["time"]!).ToList();
        Assert.Equal(times.OrderDescending(StringComparer.Ordinal), times);
        Assert.Equal(all.Where(record => string.CompareOrdinal((string)record["time"]!, times[4]) >= 0).Count(), (await Search($"key={key}&from={times[4]}")).Count);
        Assert.Equal(all.Where(record => string.CompareOrdinal((string)record["time"]!, times[4]) < 0).Count(), (await Search($"key={key}&to={times[4]}")).Count);

        var paged = new List<string>();
        for (string? cursor = null; ;)
        {
            var page = (await api.Get($"/v1/audit?key={key}&limit=3" + (cursor is null ? "" : "&cursor=" + cursor))).Is(HttpStatusCode.OK).Json;
            paged.AddRange(page["records"]!.AsArray().Select(record => record!["request_id"]!.GetValue<string>()));
            if ((cursor = (string?)page["next_cursor"]) is null) break;
        }

        Assert.Equal(all.Select(record => (string)record["request_id"]!), paged);
    }

    [Theory]
    [InlineData("limit=0", "invalid_parameter")]
    [InlineData("from=yesterday", "invalid_parameter")]
    [InlineData("cursor=abc", "invalid_parameter")]
    [InlineData("key=not%20a%20key", "invalid_key_id")]
    [InlineData("keys=a", "invalid_request")]
    public async Task Search_OfWrongForm_IsRefused(string query, string code) =>
        (await api.Get("/v1/audit?" + query)).Is(HttpStatusCode.BadRequest, code);

    [Fact]
    public async Task Logs_TellTheirSizeAndTheirSignedHead()
    {
        var log = Assert.Single((await api.Get("/v1/audit/logs")).Is(HttpStatusCode.OK).Json["logs"]!.AsArray())!;
        Assert.Equal(["log", "silo", "key", "size", "copied", "checkpoint", "signed_at"], log.AsObject().Select(member => member.Key));
        var lines = log["checkpoint"]!.GetValue<string>().Split('\n');
        Assert.Equal(log["size"]!.GetValue<long>(), long.Parse(lines[1], CultureInfo.InvariantCulture));
        Assert.StartsWith(lines[0] + "+", log["key"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Health_TellsOfTheTrail() =>
        Assert.Equal("healthy", (string?)(await api.Get("/health")).Is(HttpStatusCode.OK).Json["checks"]!["audit"]);

    private async Task<List<JsonNode>> Search(string query) =>
        [.. (await api.Get("/v1/audit?" + query)).Is(HttpStatusCode.OK).Json["records"]!.AsArray().Select(record => record!)];

    /// <summary>What was recorded can be searched soon after.</summary>
    private async Task<List<JsonNode>> Until(string query, int count)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (true)
        {
            var found = await Search(query);
            if (found.Count >= count) return found;
            patience.Token.ThrowIfCancellationRequested();
        }
    }
}

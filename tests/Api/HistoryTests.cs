using System.Net;
using System.Text.Json.Nodes;

namespace OrleansKms.Tests.Api;

[Collection(DefaultApiCollection.Name)]
public sealed class HistoryTests(DefaultApi api)
{
    [Fact]
    public async Task History_TellsEachChange_NewestFirst_AndByAnAlias()
    {
        var id = await api.NewKey(new { description = "d" });
        await api.Post($"/v1/keys/{id}/rotate");
        await api.Patch($"/v1/keys/{id}", """{"description":"e","tags":{"a":"b"}}""");
        await api.Post($"/v1/keys/{id}/disable");
        await api.Put("/v1/aliases/" + id, new { key_id = id });
        foreach (var name in new[] { id, "alias:" + id })
        {
            var page = (await api.Get($"/v1/keys/{name}/history")).Is(HttpStatusCode.OK).Json.AsObject();
            Assert.Equal(["events", "verified", "complete"], page.Select(p => p.Key));
            Assert.True((bool)page["verified"]! && (bool)page["complete"]!);
            var events = page["events"]!.AsArray().Select(e => e!.AsObject()).ToList();
            Assert.Equal(["keys:disable", "keys:update", "keys:rotate", "keys:create"], events.Select(e => (string)e["action"]!));
            Assert.Equal([4, 3, 2, 1], events.Select(e => (int)e["number"]!));
            Assert.Equal([null, null, 2, 1], events.Select(e => (int?)e["key_version"]));
            Assert.Equal([null, "description, tags", null, null], events.Select(e => (string?)e["reason"]));
            Assert.All(events, e => Assert.Equal("admin", (string)e["principal"]!));
            Assert.All(events, e => Assert.Matches("^[0-9a-f]{64}$", (string)e["hash"]!));
            Assert.All(events, e => Assert.EndsWith("Z", (string)e["time"]!, StringComparison.Ordinal));
            Assert.Superset(
                new HashSet<string> { "number", "time", "action", "principal", "source", "request_id", "revision", "hash" },
                events[3].Select(p => p.Key).ToHashSet());
            Assert.DoesNotContain("\"e\"", page["events"]!.ToJsonString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task History_NamesTheRequestThatAsked()
    {
        var (id, requestId) = (await api.NewKey(), Api.NewId());
        (await api.Body(HttpMethod.Post, $"/v1/keys/{id}/rotate", [], null, ("X-Request-Id", requestId))).Is(HttpStatusCode.OK);
        var newest = (await api.Get($"/v1/keys/{id}/history?limit=1")).Is(HttpStatusCode.OK).Json;
        Assert.Equal(requestId, (string)newest["events"]![0]!["request_id"]!);
        Assert.NotNull(newest["next_cursor"]);
    }

    [Fact]
    public async Task Pages_JoinToTheWhole_AndEachIsVerified()
    {
        var id = await api.NewKey();
        for (var i = 0; i < 40; i++) (await api.Post($"/v1/keys/{id}/rotate")).Is(HttpStatusCode.OK);
        var (numbers, cursor) = (new List<int>(), "");
        do
        {
            var page = (await api.Get($"/v1/keys/{id}/history?limit=7{cursor}")).Is(HttpStatusCode.OK).Json;
            Assert.True((bool)page["verified"]!);
            numbers.AddRange(page["events"]!.AsArray().Select(e => (int)e!["number"]!));
            cursor = page["next_cursor"] is { } next ? $"&cursor={next}" : "";
        }
        while (cursor.Length > 0);
        Assert.Equal(Enumerable.Range(1, 41).Reverse(), numbers);
    }

    [Fact]
    public async Task DestroyedKey_KeepsItsHistory()
    {
        var id = await api.NewKey();
        await api.Post($"/v1/keys/{id}/schedule-deletion", new { after = "PT0S" });
        JsonNode key;
        do
        {
            key = (await api.Get("/v1/keys/" + id)).Is(HttpStatusCode.OK).Json;
        }
        while ((string)key["state"]! != "destroyed");
        var page = (await api.Get($"/v1/keys/{id}/history")).Is(HttpStatusCode.OK).Json;
        Assert.Equal(["keys:erase", "keys:destroy", "keys:schedule-deletion", "keys:create"], page["events"]!.AsArray().Select(e => (string)e!["action"]!));
        Assert.Equal(["okms", "okms", "admin", "admin"], page["events"]!.AsArray().Select(e => (string)e!["principal"]!));
    }

    [Theory]
    [InlineData("limit=0", "invalid_parameter")]
    [InlineData("limit=1001", "invalid_parameter")]
    [InlineData("limit=", "invalid_parameter")]
    [InlineData("cursor=x", "invalid_parameter")]
    [InlineData("cursor=%00", "invalid_parameter")]
    [InlineData("prefix=a", "invalid_request")]
    public async Task BadQuery_IsRefused(string query, string code)
    {
        var id = await api.NewKey();
        (await api.Get($"/v1/keys/{id}/history?{query}")).Is(HttpStatusCode.BadRequest, code);
    }

    [Fact]
    public async Task CursorOfAnotherKeysHistory_IsInvalidParameter()
    {
        var (one, other) = (await api.NewKey(), await api.NewKey());
        await api.Post($"/v1/keys/{one}/rotate");
        var cursor = (string)(await api.Get($"/v1/keys/{one}/history?limit=1")).Json["next_cursor"]!;
        (await api.Get($"/v1/keys/{one}/history?cursor={cursor}")).Is(HttpStatusCode.OK);
        (await api.Get($"/v1/keys/{other}/history?cursor={cursor}")).Is(HttpStatusCode.BadRequest, "invalid_parameter");
        (await api.Get($"/v1/keys?cursor={cursor}")).Is(HttpStatusCode.BadRequest, "invalid_parameter");
    }

    [Fact]
    public async Task NoSuchKey_IsKeyNotFound()
    {
        (await api.Get($"/v1/keys/{Api.NewId()}/history")).Is(HttpStatusCode.NotFound, "key_not_found");
        (await api.Get("/v1/keys/a%20b/history")).Is(HttpStatusCode.BadRequest, "invalid_key_id");
        (await api.Get($"/v1/keys/alias:{Api.NewId()}/history")).Is(HttpStatusCode.NotFound, "alias_not_found");
    }
}

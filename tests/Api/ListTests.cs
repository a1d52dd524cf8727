using System.Net;

namespace OrleansKms.Tests.Api;

[Collection(DefaultApiCollection.Name)]
public sealed class ListTests(DefaultApi api)
{
    [Fact]
    public async Task Keys_ByPages_AreAllThereOnceAndInOrder()
    {
        var prefix = Api.NewId() + ".";
        var ids = new[] { "A", "B", "Z", "_x", "a", "a-b", "a.b", "a0", "b", "z" };
        foreach (var id in ids)
        {
            (await api.Post("/v1/keys", new { id = prefix + id })).Is(HttpStatusCode.Created);
        }

        var listed = new List<string>();
        string? cursor = null;
        do
        {
            var page = (await api.Get($"/v1/keys?prefix={prefix}&limit=3" + (cursor is null ? "" : "&cursor=" + cursor))).Is(HttpStatusCode.OK).Json;
            listed.AddRange(page["keys"]!.AsArray().Select(k => (string)k!["id"]!));
            cursor = (string?)page["next_cursor"];
        }
        while (cursor is not null);

        Assert.Equal(ids.Select(id => prefix + id).Order(StringComparer.Ordinal), listed);
    }

    [Fact]
    public async Task Keys_Described_AreAsWhenDescribedAlone()
    {
        var id = await api.NewKey(new { description = "x" });
        var listed = Assert.Single((await api.Get($"/v1/keys?prefix={id}&describe=true")).Is(HttpStatusCode.OK).Json["keys"]!.AsArray())!;
        var described = (await api.Get("/v1/keys/" + id)).Json;
        Assert.Equal(described.ToJsonString(), listed.ToJsonString());
    }

    [Theory]
    [InlineData("limit=0", "invalid_parameter")]
    [InlineData("limit=1001", "invalid_parameter")]
    [InlineData("limit=-1", "invalid_parameter")]
    [InlineData("limit=ten", "invalid_parameter")]
    [InlineData("limit=1&limit=2", "invalid_request")]
    [InlineData("Limit=1", "invalid_request")]
    [InlineData("describe=yes", "invalid_parameter")]
    [InlineData("destroyed=1", "invalid_parameter")]
    [InlineData("prefix=a%2Fb", "invalid_parameter")]
    [InlineData("prefix=%C3%A9", "invalid_parameter")]
    [InlineData("cursor=x", "invalid_parameter")]
    [InlineData("cursor=AAAAAAAAAAAA", "invalid_parameter")]
    [InlineData("cursor=%00", "invalid_parameter")]
    [InlineData("sort=id", "invalid_request")]
    public async Task Keys_BadQuery_IsRefused(string query, string code) =>
        (await api.Get("/v1/keys?" + query)).Is(HttpStatusCode.BadRequest, code);

    [Fact]
    public async Task Keys_CursorChangedAnywhereOrOfAnotherList_IsInvalidParameter()
    {
        var prefix = Api.NewId() + ".";
        await api.Post("/v1/keys", new { id = prefix + "a" });
        await api.Post("/v1/keys", new { id = prefix + "b" });
        var cursor = (string)(await api.Get($"/v1/keys?prefix={prefix}&limit=1")).Json["next_cursor"]!;
        for (var i = 0; i < cursor.Length; i++)
        {
            var changed = cursor[..i] + (cursor[i] == 'A' ? 'B' : 'A') + cursor[(i + 1)..];
            (await api.Get($"/v1/keys?prefix={prefix}&cursor={changed}")).Is(HttpStatusCode.BadRequest, "invalid_parameter");
        }

        (await api.Get($"/v1/keys?cursor={cursor}")).Is(HttpStatusCode.BadRequest, "invalid_parameter");
        (await api.Get($"/v1/aliases?prefix={prefix}&cursor={cursor}")).Is(HttpStatusCode.BadRequest, "invalid_parameter");
        (await api.Get($"/v1/keys?prefix={prefix}&cursor={cursor}")).Is(HttpStatusCode.OK);
    }

    [Fact]
    public async Task OtherRoutes_AnyQuery_IsInvalidRequest()
    {
        var id = await api.NewKey();
        (await api.Get($"/v1/keys/{id}?version=1")).Is(HttpStatusCode.BadRequest, "invalid_request");
        (await api.Post($"/v1/keys/{id}/rotate?force=true")).Is(HttpStatusCode.BadRequest, "invalid_request");
    }

    /// <summary>A page ends where it is large, whatever the limit says, and the next goes on behind it.</summary>
    [Fact]
    public async Task DescribedPages_AreBounded_AndLeaveNothingOut()
    {
        var prefix = "large-" + Guid.NewGuid().ToString("N");
        var tags = Enumerable.Range(0, 50).ToDictionary(i => $"tag-{i}", _ => new string('x', 256));
        var ids = Enumerable.Range(0, 200).Select(i => $"{prefix}.{i:d3}").ToList();
        await Parallel.ForEachAsync(ids, async (id, _) => (await api.Post("/v1/keys", new { id, tags })).Is(HttpStatusCode.Created));
        var (listed, pages, cursor) = (new List<string>(), 0, "");
        do
        {
            var page = (await api.Get($"/v1/keys?prefix={prefix}&describe=true&limit=1000{cursor}")).Is(HttpStatusCode.OK);
            Assert.InRange(page.Body.Length, 1, 3 << 20);
            Assert.All(page.Json["keys"]!.AsArray(), key => Assert.Equal(50, key!["tags"]!.AsObject().Count));
            listed.AddRange(page.Json["keys"]!.AsArray().Select(key => (string)key!["id"]!));
            cursor = page.Json["next_cursor"] is { } next ? $"&cursor={next}" : "";
            pages++;
        }
        while (cursor.Length > 0);
        Assert.Equal(ids, listed);
        Assert.Equal(2, pages);
    }
}

using System.Net;
using System.Text.Json.Nodes;

namespace OrleansKms.Tests.Api;

/// <summary>A key's own limits over HTTP.</summary>
[Collection(DefaultApiCollection.Name)]
public sealed class KeyLimitTests(DefaultApi api)
{
    [Fact]
    public async Task Limit_OfANewKey_IsDescribedAndHolds()
    {
        var id = await api.NewKey(new { limits = new object[] { new { count = 2, per = "P1D" }, new { count = 9, per = "PT1M", of = "keys:encrypt" } } });
        var limits = (await api.Get($"/v1/keys/{id}")).Is(HttpStatusCode.OK).Json["limits"]!;
        Assert.True(
            JsonNode.DeepEquals(
                JsonNode.Parse("""[{"count":2,"per":"P1D","of":"use"},{"count":9,"per":"PT1M","of":"keys:encrypt"}]"""), limits),
            limits.ToJsonString());
        await api.Encrypt(id, [1]);
        await api.Encrypt(id, [1]);
        var refused = (await api.Post($"/v1/keys/{id}/encrypt", new { plaintext = "AQ==" })).Is(HttpStatusCode.TooManyRequests, "rate_limited");
        Assert.InRange(int.Parse(refused.Header("Retry-After"), null), 60, 90_000);
        Assert.Contains("2 of use per P1D", (string)refused.Json["detail"]!, StringComparison.Ordinal);
        var batch = await api.PostText($"/v1/keys/{id}/encrypt", """{"items":[{"plaintext":"AQ=="}]}""");
        Assert.Equal("rate_limited", (string)batch.Is(HttpStatusCode.OK).Json["results"]![0]!["error"]!["code"]!);
    }

    [Fact]
    public async Task Patch_SetsAndClearsLimits()
    {
        var id = await api.NewKey();
        var key = (await api.Patch($"/v1/keys/{id}", """{"limits":[{"count":1,"per":"PT1H"}]}""")).Is(HttpStatusCode.OK).Json;
        Assert.Equal("PT1H", (string)key["limits"]![0]!["per"]!);
        await api.Encrypt(id, [1]);
        (await api.Post($"/v1/keys/{id}/encrypt", new { plaintext = "AQ==" })).Is(HttpStatusCode.TooManyRequests, "rate_limited");
        foreach (var none in new[] { "null", "[]" })
        {
            Assert.Null((await api.Patch($"/v1/keys/{id}", $$"""{"limits":{{none}}}""")).Is(HttpStatusCode.OK).Json["limits"]);
            await api.Encrypt(id, [1]);
        }
    }

    [Theory]
    [InlineData("""[{"count":1}]""", "invalid_request")]
    [InlineData("""[{"per":"PT1S"}]""", "invalid_request")]
    [InlineData("""[null]""", "invalid_request")]
    [InlineData("""[{"count":1,"per":"PT1S","off":"use"}]""", "invalid_request")]
    [InlineData("""[{"count":1.5,"per":"PT1S"}]""", "invalid_request")]
    [InlineData("""[{"count":0,"per":"PT1S"}]""", "invalid_parameter")]
    [InlineData("""[{"count":1,"per":"PT0.5S"}]""", "invalid_parameter")]
    [InlineData("""[{"count":1,"per":"P32D"}]""", "invalid_parameter")]
    [InlineData("""[{"count":1,"per":"1h"}]""", "invalid_parameter")]
    [InlineData("""[{"count":1,"per":"PT1S","of":"everything"}]""", "invalid_parameter")]
    public async Task Limits_OfAnotherForm_AreRefused(string limits, string code)
    {
        var id = await api.NewKey();
        (await api.Patch($"/v1/keys/{id}", $$"""{"limits":{{limits}}}""")).Is(HttpStatusCode.BadRequest, code);
        (await api.PostText("/v1/keys", $$"""{"limits":{{limits}}}""")).Is(HttpStatusCode.BadRequest, code);
    }
}

using System.Net;
using System.Text.Json.Nodes;

namespace OrleansKms.Tests.Api;

/// <summary>The limits of namespaces over HTTP.</summary>
[Collection(DefaultApiCollection.Name)]
public sealed class NamespaceLimitTests(DefaultApi api)
{
    private readonly string _prefix = Api.NewId();

    [Fact]
    public async Task Limits_AreSetToldAndLifted()
    {
        var path = $"/v1/namespaces/{_prefix}/limits";
        (await api.Get(path)).Is(HttpStatusCode.NotFound, "not_found");
        (await api.Delete(path)).Is(HttpStatusCode.NotFound, "not_found");
        var limits = new object[] { new { count = 5, per = "PT1H" }, new { count = 2, per = "PT1M", of = "keys:decrypt" } };
        var expected = JsonNode.Parse(
            $$"""{"prefix":"{{_prefix}}","limits":[{"count":5,"per":"PT1H","of":"use"},{"count":2,"per":"PT1M","of":"keys:decrypt"}]}""");
        Assert.True(JsonNode.DeepEquals(expected, (await api.Put(path, new { limits })).Is(HttpStatusCode.OK).Json));
        Assert.True(JsonNode.DeepEquals(expected, (await api.Get(path)).Is(HttpStatusCode.OK).Json));
        (await api.Delete(path)).Is(HttpStatusCode.NoContent);
        (await api.Get(path)).Is(HttpStatusCode.NotFound, "not_found");
    }

    [Fact]
    public async Task Limit_CountsAllKeysUnderThePrefix_AndNoOthers()
    {
        var (one, deep, beside, itself) = ($"{_prefix}.one", $"{_prefix}.eu.deep", $"{_prefix}2.one", _prefix);
        foreach (var id in new[] { one, deep, beside, itself }) (await api.Post("/v1/keys", new { id })).Is(HttpStatusCode.Created);
        (await api.Put($"/v1/namespaces/{_prefix}/limits", new { limits = new[] { new { count = 4, per = "PT1H" } } })).Is(HttpStatusCode.OK);
        (await api.Put($"/v1/namespaces/{_prefix}.eu/limits", new { limits = new[] { new { count = 1, per = "PT1H" } } })).Is(HttpStatusCode.OK);
        var ciphertext = await api.Encrypt(one, [1]);
        await api.Encrypt(deep, [1]);
        var refused = (await Encrypt(deep)).Is(HttpStatusCode.TooManyRequests, "rate_limited");
        Assert.Equal($"The limit of namespace {_prefix}.eu, 1 of use per PT1H, is reached.", (string)refused.Json["detail"]!);
        Assert.InRange(int.Parse(refused.Header("Retry-After"), null), 3500, 3600);

        // What was refused for the one namespace was counted in neither, and nothing is of a batch that has no room as a whole.
        (await api.PostText($"/v1/keys/{one}/encrypt", """{"items":[{"plaintext":"AQ=="},{"plaintext":"AQ=="},{"plaintext":"AQ=="}]}""")).Is(HttpStatusCode.TooManyRequests, "rate_limited");
        (await api.Post("/v1/decrypt", new { ciphertext })).Is(HttpStatusCode.OK);
        await api.Encrypt(one, [1]);
        var batch = await api.Post("/v1/batch", new { operations = new[] { new { op = "encrypt", key_id = one, plaintext = "AQ==" }, new { op = "encrypt", key_id = beside, plaintext = "AQ==" } } });
        Assert.Equal(["rate_limited", null], batch.Is(HttpStatusCode.OK).Json["results"]!.AsArray().Select(r => (string?)r!["error"]?["code"]));
        await api.Encrypt(beside, [1]);
        await api.Encrypt(itself, [1]);
        (await api.Delete($"/v1/namespaces/{_prefix}/limits")).Is(HttpStatusCode.NoContent);
        await api.Encrypt(one, [1]);
    }

    [Theory]
    [InlineData("""{"limits":[{"count":0,"per":"PT1H"}]}""", "invalid_parameter")]
    [InlineData("""{"limits":[{"count":1,"per":"P32D"}]}""", "invalid_parameter")]
    [InlineData("""{"limits":[{"count":1,"per":"PT1H"},{"count":2,"per":"PT1H"}]}""", "invalid_parameter")]
    [InlineData("""{"limits":null}""", "invalid_request")]
    [InlineData("""{}""", "invalid_request")]
    [InlineData("""{"limit":[]}""", "invalid_request")]
    public async Task Limits_OfAnotherForm_AreRefused(string body, string code) => (await api.Body(
        HttpMethod.Put, $"/v1/namespaces/{_prefix}/limits", System.Text.Encoding.UTF8.GetBytes(body))).Is(HttpStatusCode.BadRequest, code);

    [Fact]
    public async Task Faults_ComeInTheirOrder()
    {
        (await api.Put("/v1/namespaces/-x/limits", new { limits = Array.Empty<object>() })).Is(HttpStatusCode.BadRequest, "invalid_parameter");
        var request = new HttpRequestMessage(HttpMethod.Put, "/v1/namespaces/-x/limits");
        request.Headers.TryAddWithoutValidation("Authorization", "");
        (await api.Send(request)).Is(HttpStatusCode.Unauthorized, "unauthenticated");
    }

    private Task<Answer> Encrypt(string id) => api.Post($"/v1/keys/{id}/encrypt", new { plaintext = "AQ==" });
}

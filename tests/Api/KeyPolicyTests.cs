using System.Net;
using System.Text;
using System.Text.Json.Nodes;

namespace OrleansKms.Tests.Api;

/// <summary>A key's own policy, over HTTP.</summary>
[Collection(DefaultApiCollection.Name)]
public sealed class KeyPolicyTests(DefaultApi api)
{
    private const string Full =
        """{"statements":[{"effect":"allow","actions":["use","keys:describe"],"principals":["app-*"],"when":{"source":["10.0.0.0/8","2001:db8::/32"],"not_before":"2026-01-01T00:00:00Z","not_after":"2030-01-01T00:00:00.5Z","associated_data_prefix":"AQI=","protection":"software","spec":["AES_256_GCM"],"kind":"data"}},{"effect":"deny","actions":["*"],"keys":["x*"]}]}""";

    [Fact]
    public async Task Policy_IsSetReadReplacedAndRemoved()
    {
        var id = await api.NewKey();
        var path = $"/v1/keys/{id}/policy";
        (await api.Get(path)).Is(HttpStatusCode.NotFound, "policy_not_found");
        (await api.Delete(path)).Is(HttpStatusCode.NotFound, "policy_not_found");
        foreach (var answer in (Answer[])[await Put(path, Full), await api.Get(path)])
        {
            var policy = answer.Is(HttpStatusCode.OK).Json.AsObject();
            Assert.Equal(["key_id", "statements"], policy.Select(field => field.Key));
            Assert.Equal(id, (string)policy["key_id"]!);
            Assert.Equal(
                Sorted(JsonNode.Parse(Full)!["statements"]!.AsArray()), Sorted(policy["statements"]!.AsArray()));
        }

        // The administrator is bound by no key's policy.
        (await api.Post($"/v1/keys/{id}/encrypt", new { plaintext = "AQ==" })).Is(HttpStatusCode.OK);
        (await Put(path, """{"statements":[]}""")).Is(HttpStatusCode.OK);
        Assert.Empty((await api.Get(path)).Is(HttpStatusCode.OK).Json["statements"]!.AsArray());
        Assert.Empty((await api.Delete(path)).Is(HttpStatusCode.NoContent).Body);
        (await api.Get(path)).Is(HttpStatusCode.NotFound, "policy_not_found");
    }

    [Theory]
    [InlineData("""{}""", "invalid_request")]
    [InlineData("""{"statements":null}""", "invalid_request")]
    [InlineData("""{"statements":[null]}""", "invalid_request")]
    [InlineData("""{"statements":[{"effect":"allow"}]}""", "invalid_request")]
    [InlineData("""{"statements":[{"effect":"allow","actions":["use"],"action":["use"]}]}""", "invalid_request")]
    [InlineData("""{"statements":[{"effect":"allow","actions":["use"],"when":{"sources":[]}}]}""", "invalid_request")]
    [InlineData("""{"statements":[{"effect":"allow","actions":["use"],"when":{"associated_data_prefix":"AQ"}}]}""", "invalid_request")]
    [InlineData("""{"statements":[{"effect":"permit","actions":["use"]}]}""", "invalid_parameter")]
    [InlineData("""{"statements":[{"effect":"allow","actions":[]}]}""", "invalid_parameter")]
    [InlineData("""{"statements":[{"effect":"allow","actions":["keys:*"]}]}""", "invalid_parameter")]
    [InlineData("""{"statements":[{"effect":"allow","actions":["use"],"keys":["a*b"]}]}""", "invalid_parameter")]
    [InlineData("""{"statements":[{"effect":"allow","actions":["use"],"principals":["a b"]}]}""", "invalid_parameter")]
    [InlineData("""{"statements":[{"effect":"allow","actions":["use"],"when":{"source":["10.0.0.1/8"]}}]}""", "invalid_parameter")]
    [InlineData("""{"statements":[{"effect":"allow","actions":["use"],"when":{"not_before":"2026-01-01"}}]}""", "invalid_parameter")]
    [InlineData("""{"statements":[{"effect":"allow","actions":["use"],"when":{"not_after":"2026-01-01T00:00:00"}}]}""", "invalid_parameter")]
    [InlineData("""{"statements":[{"effect":"allow","actions":["use"],"when":{"kind":"none"}}]}""", "invalid_parameter")]
    public async Task Policy_ThatCannotBe_IsRefused(string body, string code) =>
        (await Put($"/v1/keys/{await api.NewKey()}/policy", body)).Is(HttpStatusCode.BadRequest, code);

    [Fact]
    public async Task Policy_ThatIsTooLarge_IsRefused_HoweverItIsLarge()
    {
        var path = $"/v1/keys/{await api.NewKey()}/policy";
        string Of(int statements, int patterns) => new JsonObject
        {
            ["statements"] = new JsonArray([.. Enumerable.Range(0, statements).Select(_ => new JsonObject
            {
                ["effect"] = "allow",
                ["actions"] = new JsonArray("use"),
                ["keys"] = new JsonArray([.. Enumerable.Range(0, patterns).Select(i => JsonValue.Create($"some.key.with.a.name.{i}*"))]),
            })]),
        }.ToJsonString();
        (await Put(path, Of(100, 5))).Is(HttpStatusCode.OK);
        (await Put(path, Of(101, 1))).Is(HttpStatusCode.UnprocessableEntity, "policy_too_large");
        (await Put(path, Of(1, 2000))).Is(HttpStatusCode.UnprocessableEntity, "policy_too_large");
        (await Put(path, Of(100, 100))).Is(HttpStatusCode.UnprocessableEntity, "policy_too_large");
        (await Put(path, Of(100, 1000))).Is(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");

        // Depth is none of a policy's: nothing is read beyond what one can have.
        var deep = $$"""{"statements":{{new string('[', 5000)}}{{new string(']', 5000)}}}""";
        (await Put(path, deep)).Is(HttpStatusCode.BadRequest, "invalid_request");
    }

    private Task<Answer> Put(string path, string body) => api.Body(HttpMethod.Put, path, Encoding.UTF8.GetBytes(body));

    private static IEnumerable<string> Sorted(JsonArray statements) => statements.Select(statement => Text(statement!));

    private static string Text(JsonNode node) => node is JsonObject fields
        ? $"{{{string.Join(',', fields.OrderBy(field => field.Key, StringComparer.Ordinal).Select(field => $"{field.Key}:{Text(field.Value!)}"))}}}"
        : node.ToJsonString();
}

using System.Net;
using System.Text;

namespace OrleansKms.Tests.Api;

/// <summary>Policies by name, and what they would decide, over HTTP.</summary>
[Collection(DefaultApiCollection.Name)]
public sealed class PolicyTests(DefaultApi api)
{
    private const string Statements = """{"statements":[{"effect":"allow","actions":["use"],"keys":["payments.*"],"when":{"source":["10.0.0.0/8"]}}]}""";

    [Fact]
    public async Task Policy_IsPutReadListedAndDeleted()
    {
        var name = Api.NewId();
        (await api.Get("/v1/policies/" + name)).Is(HttpStatusCode.NotFound, "policy_not_found");
        (await api.Delete("/v1/policies/" + name)).Is(HttpStatusCode.NotFound, "policy_not_found");
        foreach (var answer in (Answer[])[await Put(name, Statements), await api.Get("/v1/policies/" + name)])
        {
            var policy = answer.Is(HttpStatusCode.OK).Json.AsObject();
            Assert.Equal(["name", "statements"], policy.Select(field => field.Key));
            Assert.Equal(name, (string)policy["name"]!);
            Assert.Equal("""[{"effect":"allow","actions":["use"],"keys":["payments.*"],"when":{"source":["10.0.0.0/8"]}}]""", policy["statements"]!.ToJsonString());
        }

        (await Put(name, """{"statements":[]}""")).Is(HttpStatusCode.OK);
        Assert.Empty((await api.Get("/v1/policies/" + name)).Json["statements"]!.AsArray());
        var listed = (await api.Get("/v1/policies?prefix=" + name)).Is(HttpStatusCode.OK).Json["policies"]!.AsArray();
        Assert.Equal(name, (string)Assert.Single(listed)!["name"]!);
        Assert.Empty((await api.Delete("/v1/policies/" + name)).Is(HttpStatusCode.NoContent).Body);
        (await api.Get("/v1/policies/" + name)).Is(HttpStatusCode.NotFound, "policy_not_found");
    }

    [Fact]
    public async Task List_GoesOnByItsCursor()
    {
        var prefix = Api.NewId() + ".";
        string[] names = ["a", "b", "c", "d", "e"];
        foreach (var name in names) (await Put(prefix + name, Statements)).Is(HttpStatusCode.OK);
        var listed = new List<string>();
        for (string? cursor = ""; cursor is not null;)
        {
            var page = (await api.Get($"/v1/policies?limit=2&prefix={prefix}" + (cursor.Length == 0 ? "" : "&cursor=" + cursor))).Is(HttpStatusCode.OK).Json;
            listed.AddRange(page["policies"]!.AsArray().Select(policy => (string)policy!["name"]!));
            cursor = (string?)page["next_cursor"];
        }

        Assert.Equal(names.Select(name => prefix + name), listed);
        (await api.Get("/v1/policies?cursor=nonsense")).Is(HttpStatusCode.BadRequest, "invalid_parameter");
    }

    [Theory]
    [InlineData("administrator")]
    [InlineData("key-manager")]
    [InlineData("key-user")]
    [InlineData("auditor")]
    public async Task BuiltIn_IsThere_AndStays(string name)
    {
        Assert.Single((await api.Get("/v1/policies/" + name)).Is(HttpStatusCode.OK).Json["statements"]!.AsArray());
        (await Put(name, Statements)).Is(HttpStatusCode.Conflict, "conflict");
        (await api.Delete("/v1/policies/" + name)).Is(HttpStatusCode.Conflict, "conflict");
    }

    [Theory]
    [InlineData("""{"statements":[{"effect":"allow","actions":["use"]}]}""", "invalid_parameter")]
    [InlineData("""{"statements":[{"effect":"allow","actions":["use"],"keys":["*"],"principals":["app"]}]}""", "invalid_parameter")]
    [InlineData("""{"statements":[{"effect":"allow","actions":["read"],"keys":["*"]}]}""", "invalid_parameter")]
    [InlineData("""{"statements":[{"effect":"allow","actions":["use"],"keys":["*"],"resources":[]}]}""", "invalid_request")]
    [InlineData("""{"name":"x","statements":[]}""", "invalid_request")]
    public async Task Policy_ThatCannotBe_IsRefused(string body, string code) => (await Put(Api.NewId(), body)).Is(HttpStatusCode.BadRequest, code);

    [Fact]
    public async Task Simulation_TellsWhatWouldBeDecided()
    {
        var key = await api.NewKey();
        (await api.Body(HttpMethod.Put, $"/v1/keys/{key}/policy", """{"statements":[{"effect":"deny","actions":["*"]}]}"""u8.ToArray())).Is(HttpStatusCode.OK);
        var answer = await api.Post("/v1/policies/simulate", new { principal = "admin", action = "keys:encrypt", key_id = key, context = new { source = "10.0.0.1", time = "2026-01-01T00:00:00Z", kind = "data" } });
        Assert.Equal(
            """{"allowed":true,"because":[{"policy":"administrator","statement":0,"effect":"allow"}]}""", answer.Is(HttpStatusCode.OK).Text);
        (await api.Post("/v1/policies/simulate", new { principal = "nobody", action = "keys:encrypt" })).Is(HttpStatusCode.NotFound, "principal_not_found");
        (await api.Post("/v1/policies/simulate", new { principal = "admin", action = "use" })).Is(HttpStatusCode.BadRequest, "invalid_parameter");
        (await api.Post("/v1/policies/simulate", new { principal = "admin", action = "keys:encrypt", key_id = "-x" })).Is(HttpStatusCode.BadRequest, "invalid_key_id");
        (await api.Post("/v1/policies/simulate", new { principal = "admin", action = "keys:encrypt", context = new { source = "home" } })).Is(HttpStatusCode.BadRequest, "invalid_parameter");
        (await api.Post("/v1/policies/simulate", new { principal = "admin" })).Is(HttpStatusCode.BadRequest, "invalid_request");
    }

    private Task<Answer> Put(string name, string body) => api.Body(HttpMethod.Put, "/v1/policies/" + name, Encoding.UTF8.GetBytes(body));
}

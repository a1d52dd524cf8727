using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace OrleansKms.Tests.Api;

/// <summary>Many keys created by one request: each for itself, in the order of the request.</summary>
[Collection(DefaultApiCollection.Name)]
public sealed class CreateManyTests(DefaultApi api)
{
    [Fact]
    public async Task Items_AnswerInOrder_EachTheKeyOrItsError_AndHinderNoOther()
    {
        var (taken, first, last) = (await api.NewKey(), Api.NewId(), Api.NewId());
        var results = await Create(
            new { id = first, spec = "ECC_NIST_P256", description = "first", tags = new { team = "shop" } },
            new { id = taken },
            new { id = "no/id" },
            new { },
            new { id = Api.NewId(), spec = "ROT13" },
            new { id = Api.NewId(), usage = "fly" },
            new { id = Api.NewId(), limits = new[] { new { count = 0, per = "PT1S" } } },
            new { id = last, origin = "external", rotation = (object?)null });

        Assert.Equal(
            [null, "key_exists", "invalid_key_id", null, "unsupported_algorithm", "invalid_parameter", "invalid_parameter", null],
            results.Select(result => (string?)result!["error"]?["code"]));
        Assert.Equal([first, taken, "no/id"], results.Take(3).Select(result => (string?)result!["id"]));
        Assert.All(results.Where(result => result!["error"] is not null), result => Assert.Equal(["id", "error"], result!.AsObject().Select(p => p.Key)));
        var made = results[0]!;
        Assert.Equal(("ECC_NIST_P256", "first", "shop", 1), ((string?)made["spec"], (string?)made["description"], (string?)made["tags"]!["team"], (int)made["primary_version"]!));
        Assert.Equal((last, "pending_import"), ((string?)results[7]!["id"], (string?)results[7]!["state"]));
        var unnamed = (string)results[3]!["id"]!;
        Assert.Equal("AES_256_GCM", (string?)results[3]!["spec"]);
        foreach (var id in new[] { first, unnamed, last })
        {
            var described = (await api.Get($"/v1/keys/{id}")).Is(HttpStatusCode.OK).Json;
            Assert.Equal(described.AsObject().Select(p => p.Key), results.Single(result => (string?)result!["id"] == id)!.AsObject().Select(p => p.Key));
        }

        (await api.Post($"/v1/keys/{unnamed}/encrypt", new { plaintext = "AQ==" })).Is(HttpStatusCode.OK);
    }

    [Fact]
    public async Task SameIdTwice_IsCreatedOnce()
    {
        var id = Api.NewId();
        var results = await Create(new { id }, new { id }, new { id });
        Assert.Equal([null, "key_exists", "key_exists"], results.Select(result => (string?)result!["error"]?["code"]).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task AThousandAndFourMiB_AreTaken_MoreAreNot()
    {
        var prefix = Api.NewId();
        var many = Enumerable.Range(0, 1000).Select(i => new { id = $"{prefix}.{i:D4}" }).ToArray();
        var results = await Create([.. many]);
        Assert.Equal(many.Select(item => item.id), results.Select(result => (string?)result!["id"]));
        Assert.All(results, result => Assert.Equal("enabled", (string?)result!["state"]));
        var listed = (await api.Get($"/v1/keys?prefix={prefix}.&limit=1000")).Is(HttpStatusCode.OK).Json["keys"]!.AsArray();
        Assert.Equal(many.Select(item => item.id), listed.Select(key => (string?)key!["id"]));

        (await api.Post("/v1/keys", new { items = Enumerable.Repeat(new { }, 1001) })).Is(HttpStatusCode.BadRequest, "invalid_request");
        var body = """{"items":[{"spec":"ROT13"}]""" + new string(' ', (4 << 20) - 28) + "}";
        Assert.Equal(4 << 20, body.Length);
        Assert.Equal("unsupported_algorithm", (string?)(await api.PostText("/v1/keys", body)).Is(HttpStatusCode.OK).Json["results"]![0]!["error"]!["code"]);
        (await api.PostText("/v1/keys", " " + body)).Is(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
    }

    [Theory]
    [InlineData("""{"items":[]}""")]
    [InlineData("""{"items":null}""")]
    [InlineData("""{"items":[null]}""")]
    [InlineData("""{"items":{}}""")]
    [InlineData("""{"items":[{}],"id":"a"}""")]
    [InlineData("""{"items":[{}],"exportable":false}""")]
    [InlineData("""{"items":[{"items":[]}]}""")]
    [InlineData("""{"items":[{"colour":"red"}]}""")]
    public async Task WhatIsNotAList_CreatesNothing(string body) =>
        (await api.PostText("/v1/keys", body)).Is(HttpStatusCode.BadRequest, "invalid_request");

    [Fact]
    public async Task Policies_JudgeEachItemByItself_AndWhoMayCreateNothingIsRefusedBeforeTheForm()
    {
        var prefix = Api.NewId();
        var token = await SignUp(new
        {
            statements = new object[]
            {
                new { effect = "allow", actions = new[] { "keys:create" }, keys = new[] { prefix + ".*" } },
                new { effect = "deny", actions = new[] { "keys:create" }, keys = new[] { "*" }, when = new { spec = new[] { "RSA_2048" } } },
            },
        });
        var results = (await As(token, JsonSerializer.Serialize(new
        {
            items = new object[] { new { id = prefix + ".a" }, new { id = prefix }, new { }, new { id = prefix + ".b", spec = "RSA_2048" }, new { id = prefix + ".c" } },
        }))).Is(HttpStatusCode.OK).Json["results"]!.AsArray();
        Assert.Equal(
            [null, "permission_denied", "permission_denied", "permission_denied", null], results.Select(result => (string?)result!["error"]?["code"]));
        foreach (var id in new[] { prefix, prefix + ".b" }) (await api.Get($"/v1/keys/{id}")).Is(HttpStatusCode.NotFound, "key_not_found");

        var nobody = await SignUp(new { statements = new object[] { new { effect = "allow", actions = new[] { "keys:encrypt" }, keys = new[] { "*" } } } });
        (await As(nobody, """{"items":[]}""")).Is(HttpStatusCode.Forbidden, "permission_denied");
    }

    [Fact]
    public async Task Limits_CountEachItem_AndRefuseTheOnesBeyond()
    {
        var prefix = Api.NewId();
        var token = await SignUp(
            new { statements = new object[] { new { effect = "allow", actions = new[] { "keys:create" }, keys = new[] { "*" } } } },
            new { count = 3, per = "PT1H", of = "keys:create" });
        var items = Enumerable.Range(0, 5).Select(i => new { id = $"{prefix}.{i}" }).ToArray();
        var results = (await As(token, JsonSerializer.Serialize(new { items }))).Is(HttpStatusCode.OK).Json["results"]!.AsArray();
        Assert.Equal(2, results.Count(result => (string?)result!["error"]?["code"] == "rate_limited"));
        foreach (var (item, result) in items.Zip(results))
        {
            (await api.Get($"/v1/keys/{item.id}")).Is(result!["error"] is null ? HttpStatusCode.OK : HttpStatusCode.NotFound);
        }
    }

    [Fact]
    public async Task DualControl_IsEachKeysOwn()
    {
        var (guarded, free) = (Api.NewId(), Api.NewId());
        var results = await Create(
            new { id = guarded, approval = new { operations = new[] { "destroy" }, required = 1, approvers = new[] { "*" } } },
            new { id = free },
            new { id = Api.NewId(), approval = new { operations = new[] { "nothing" }, required = 1, approvers = new[] { "*" } } });
        Assert.Equal([null, null, "invalid_parameter"], results.Select(result => (string?)result!["error"]?["code"]));
        (await api.Post($"/v1/keys/{guarded}/schedule-deletion")).Is(HttpStatusCode.Accepted);
        (await api.Post($"/v1/keys/{free}/schedule-deletion")).Is(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Trail_HasARecordOfEachItem_AlsoOfThoseThatNoGrainSees()
    {
        var (made, taken, request) = (Api.NewId(), await api.NewKey(), Api.NewId());
        var message = new HttpRequestMessage(HttpMethod.Post, "/v1/keys")
        {
            Content = new StringContent($$"""{"items":[{"id":"{{made}}"},{"id":"{{taken}}"},{"id":"no/id"}]}""", Encoding.UTF8, "application/json"),
        };
        message.Headers.Add("X-Request-Id", request);
        (await api.Send(message)).Is(HttpStatusCode.OK);
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        string[] expected = [$"invalid_key_id ", $"key_exists {taken}", $"ok {made}"];
        string[] records;
        do
        {
            patience.Token.ThrowIfCancellationRequested();
            records = [.. (await api.Get("/v1/audit?action=keys:create&limit=100")).Is(HttpStatusCode.OK).Json["records"]!.AsArray()
                .Where(record => (string?)record!["request_id"] == request)
                .Select(record => $"{record!["outcome"]} {record["key_id"]}").Order(StringComparer.Ordinal)];
        }
        while (records.Length < expected.Length);
        Assert.Equal(expected, records);
    }

    private async Task<JsonArray> Create(params object[] items)
    {
        var results = (await api.Post("/v1/keys", new { items })).Is(HttpStatusCode.OK).Json["results"]!.AsArray();
        Assert.Equal(items.Length, results.Count);
        return results;
    }

    private async Task<string> SignUp(object policy, params object[] limits)
    {
        var name = Api.NewId();
        (await api.Put($"/v1/policies/{name}", policy)).Is(HttpStatusCode.OK);
        (await api.Post("/v1/principals", new { name, policies = new[] { name }, limits })).Is(HttpStatusCode.Created);
        return (string)(await api.Post($"/v1/principals/{name}/tokens", new { })).Is(HttpStatusCode.Created).Json["token"]!;
    }

    private Task<Answer> As(string token, string body)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/v1/keys") { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return api.Send(request);
    }
}

using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace OrleansKms.Tests.Api;

/// <summary>What policies let pass on every route, and how they are kept.</summary>
[Collection(DefaultApiCollection.Name)]
public sealed class PolicyRouteTests(DefaultApi api)
{
    private static readonly string _hello = Api.Base64("hello");

    [Fact]
    public async Task Policy_IsPutDescribedListedAndRemoved()
    {
        var name = Api.NewId();
        var body = new
        {
            statements = new object[]
            {
                new { effect = "allow", actions = new[] { "keys:encrypt", "manage" }, keys = new[] { "payments.*" } },
                new
                {
                    effect = "deny",
                    actions = new[] { "*" },
                    keys = new[] { "*" },
                    when = new
                    {
                        source = new[] { "192.0.2.0/24" },
                        not_before = "2026-01-01T00:00:00Z",
                        not_after = "2036-01-01T00:00:00Z",
                        associated_data_prefix = _hello,
                        protection = "hsm",
                        spec = new[] { "AES_256_GCM" },
                        kind = "data_key",
                    },
                },
            },
        };
        (await api.Get("/v1/policies/" + name)).Is(HttpStatusCode.NotFound, "policy_not_found");
        var put = (await api.Put("/v1/policies/" + name, body)).Is(HttpStatusCode.OK).Json;
        Assert.Equal(["name", "statements"], put.AsObject().Select(p => p.Key));
        Assert.True(JsonNode.DeepEquals(System.Text.Json.JsonSerializer.SerializeToNode(body)!["statements"], put["statements"]), put["statements"]!.ToJsonString());
        Assert.True(JsonNode.DeepEquals(put, (await api.Get("/v1/policies/" + name)).Is(HttpStatusCode.OK).Json));
        var listed = (await api.Get($"/v1/policies?prefix={name}")).Is(HttpStatusCode.OK).Json;
        Assert.Equal(name, (string?)Assert.Single(listed["policies"]!.AsArray())!["name"]);

        var holder = await Principal(name);
        (await api.Delete("/v1/policies/" + name)).Is(HttpStatusCode.Conflict, "conflict");
        (await api.Delete("/v1/principals/" + holder.Name)).Is(HttpStatusCode.NoContent);
        (await api.Delete("/v1/policies/" + name)).Is(HttpStatusCode.NoContent);
        (await api.Delete("/v1/policies/" + name)).Is(HttpStatusCode.NotFound, "policy_not_found");
    }

    [Fact]
    public async Task BuiltInPolicies_AreListedInOrder_AndStayAsTheyAre()
    {
        var names = new List<string>();
        for (string? cursor = ""; cursor is not null;)
        {
            var page = (await api.Get("/v1/policies?limit=2" + (cursor == "" ? "" : "&cursor=" + cursor))).Is(HttpStatusCode.OK).Json;
            Assert.InRange(page["policies"]!.AsArray().Count, 0, 2);
            names.AddRange(page["policies"]!.AsArray().Select(policy => (string)policy!["name"]!));
            cursor = (string?)page["next_cursor"];
        }

        Assert.Equal(names.Order(StringComparer.Ordinal), names);
        foreach (var name in (string[])["administrator", "auditor", "key-manager", "key-user"])
        {
            Assert.Contains(name, names);
            (await api.Get("/v1/policies/" + name)).Is(HttpStatusCode.OK);
            (await api.Put("/v1/policies/" + name, new { statements = Array.Empty<object>() })).Is(HttpStatusCode.Conflict, "conflict");
            (await api.Delete("/v1/policies/" + name)).Is(HttpStatusCode.Conflict, "conflict");
        }
    }

    [Theory]
    [InlineData("""{}""", "invalid_request")]
    [InlineData("""{"statements":[null]}""", "invalid_request")]
    [InlineData("""{"statements":[{"effect":"allow","actions":["*"],"keys":["*"],"principal":"x"}]}""", "invalid_request")]
    [InlineData("""{"statements":[{"effect":"maybe","actions":["*"],"keys":["*"]}]}""", "invalid_parameter")]
    [InlineData("""{"statements":[{"effect":"allow","actions":["keys:fly"],"keys":["*"]}]}""", "invalid_parameter")]
    [InlineData("""{"statements":[{"effect":"allow","actions":[],"keys":["*"]}]}""", "invalid_parameter")]
    [InlineData("""{"statements":[{"effect":"allow","actions":["*"]}]}""", "invalid_parameter")]
    [InlineData("""{"statements":[{"effect":"allow","actions":["*"],"keys":["a*b"]}]}""", "invalid_parameter")]
    [InlineData("""{"statements":[{"effect":"allow","actions":["*"],"keys":["*"],"principals":["x"]}]}""", "invalid_parameter")]
    [InlineData("""{"statements":[{"effect":"allow","actions":["*"],"keys":["*"],"when":{"source":["10.0.0.0/33"]}}]}""", "invalid_parameter")]
    [InlineData("""{"statements":[{"effect":"allow","actions":["*"],"keys":["*"],"when":{"kind":"letter"}}]}""", "invalid_parameter")]
    public async Task BadPolicies_AreRefused(string body, string code) =>
        Assert.Equal(code, (await api.Body(HttpMethod.Put, "/v1/policies/" + Api.NewId(), System.Text.Encoding.UTF8.GetBytes(body))).Code);

    [Fact]
    public async Task LargePolicies_AreRefused()
    {
        object Statement(int keys) => new { effect = "allow", actions = new[] { "use" }, keys = Enumerable.Range(0, keys).Select(i => $"a-long-prefix-of-a-key-{i}.*") };
        foreach (var statements in (object[][])[[.. Enumerable.Repeat(Statement(1), 101)], [Statement(2000)]])
        {
            (await api.Put("/v1/policies/" + Api.NewId(), new { statements })).Is(HttpStatusCode.UnprocessableEntity, "policy_too_large");
        }
    }

    [Fact]
    public async Task Roles_MayWhatTheirDutyIs_AndNothingElse()
    {
        var key = await api.NewKey();
        var ciphertext = await Encrypted(key);
        (string Action, Func<Caller, Task<Answer>> Call, string[] Roles)[] table =
        [
            ("encrypt", caller => caller.Post($"/v1/keys/{key}/encrypt", new { plaintext = _hello }), ["administrator", "key-user"]),
            ("decrypt", caller => caller.Post($"/v1/keys/{key}/decrypt", new { ciphertext }), ["administrator", "key-user"]),
            ("datakey", caller => caller.Post($"/v1/keys/{key}/datakey", new { }), ["administrator", "key-user"]),
            ("random", caller => caller.Post("/v1/random", new { bytes = 8 }), ["administrator", "key-user"]),
            ("describe", caller => caller.Get($"/v1/keys/{key}"), ["administrator", "key-manager"]),
            ("list", caller => caller.Get("/v1/keys?limit=1"), ["administrator", "key-manager"]),
            ("create", caller => caller.Post("/v1/keys", new { id = Api.NewId() }), ["administrator", "key-manager"]),
            ("rotate", caller => caller.Post($"/v1/keys/{key}/rotate", new { }), ["administrator", "key-manager"]),
            ("alias", caller => caller.Send(HttpMethod.Put, "/v1/aliases/" + key, new { key_id = key }), ["administrator", "key-manager"]),
            ("history", caller => caller.Get($"/v1/keys/{key}/history"), ["administrator", "key-manager", "auditor"]),
            ("principals", caller => caller.Get("/v1/principals?limit=1"), ["administrator"]),
            ("policies", caller => caller.Get("/v1/policies?limit=1"), ["administrator"]),
            ("keks", caller => caller.Get("/v1/admin/keks"), ["administrator"]),
            ("metrics", caller => caller.Get("/metrics"), ["administrator"]),
            ("whoami", caller => caller.Get("/v1/whoami"), ["administrator", "key-manager", "key-user", "auditor"]),
        ];
        foreach (var role in (string[])["administrator", "key-manager", "key-user", "auditor"])
        {
            var caller = await Principal(role);
            foreach (var (action, call, roles) in table)
            {
                var answer = await call(caller);
                Assert.True(roles.Contains(role) ? (int)answer.Status < 300 : answer.Code == "permission_denied", $"{role} {action}: {answer.Status} {answer.Code}");
            }
        }
    }

    [Fact]
    public async Task Patterns_BoundWhatAPolicyAllows()
    {
        var prefix = Api.NewId() + ".";
        foreach (var id in (string[])["eu.cards", "eu.old", "us.cards"]) (await api.Post("/v1/keys", new { id = prefix + id })).Is(HttpStatusCode.Created);
        var caller = await Principal(await Policy(
            new { effect = "allow", actions = new[] { "use", "keys:list" }, keys = new[] { prefix + "eu.*" } },
            new { effect = "deny", actions = new[] { "keys:encrypt" }, keys = new[] { prefix + "eu.old" } }));
        (await caller.Encrypt(prefix + "eu.cards")).Is(HttpStatusCode.OK);
        (await caller.Encrypt(prefix + "eu.missing")).Is(HttpStatusCode.NotFound, "key_not_found");
        (await caller.Encrypt(prefix + "eu.old")).Is(HttpStatusCode.Forbidden, "permission_denied");
        (await caller.Encrypt(prefix + "us.cards")).Is(HttpStatusCode.Forbidden, "permission_denied");
        (await caller.Post($"/v1/keys/{prefix}eu.old/datakey", new { })).Is(HttpStatusCode.OK);
        (await caller.Post($"/v1/keys/{prefix}eu.cards/rotate", new { })).Is(HttpStatusCode.Forbidden, "permission_denied");

        // A list shows what may be seen, however many pages of others lie between.
        var seen = (await caller.Get($"/v1/keys?prefix={prefix}&limit=1")).Is(HttpStatusCode.OK).Json;
        Assert.Equal(prefix + "eu.cards", (string?)Assert.Single(seen["keys"]!.AsArray())!["id"]);
        seen = (await caller.Get($"/v1/keys?prefix={prefix}&limit=1&cursor={seen["next_cursor"]}")).Is(HttpStatusCode.OK).Json;
        Assert.Equal(prefix + "eu.old", (string?)Assert.Single(seen["keys"]!.AsArray())!["id"]);
        Assert.Empty((await caller.Get($"/v1/keys?prefix={prefix}us")).Is(HttpStatusCode.OK).Json["keys"]!.AsArray());

        // An alias counts as the key that it stands for, and each part of a batch for itself.
        var alias = Api.NewId();
        (await api.Put("/v1/aliases/" + alias, new { key_id = prefix + "us.cards" })).Is(HttpStatusCode.OK);
        (await caller.Encrypt("alias:" + alias)).Is(HttpStatusCode.Forbidden, "permission_denied");
        var batch = (await caller.Post("/v1/batch", new
        {
            operations = new[] { "eu.cards", "us.cards", "us.missing" }.Select(id => new { op = "encrypt", key_id = prefix + id, plaintext = _hello }),
        })).Is(HttpStatusCode.OK).Json["results"]!.AsArray();
        Assert.Equal([null, "permission_denied", "permission_denied"], batch.Select(result => (string?)result!["error"]?["code"]));

        // A move to another key is a decryption with the one and an encryption with the other.
        var ciphertext = await Encrypted(prefix + "eu.cards");
        (await caller.Post("/v1/reencrypt", new { ciphertext, destination_key_id = prefix + "us.cards" })).Is(HttpStatusCode.Forbidden, "permission_denied");
        (await caller.Post("/v1/reencrypt", new { ciphertext = await Encrypted(prefix + "us.cards"), destination_key_id = prefix + "eu.cards" }))
            .Is(HttpStatusCode.Forbidden, "permission_denied");
        (await caller.Post("/v1/reencrypt", new { ciphertext, destination_key_id = prefix + "eu.cards" })).Is(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Conditions_AreJudgedByTheMessageAndTheKey()
    {
        var (key, other) = (await api.NewKey(), await api.NewKey());
        string Base64(string text) => Api.Base64(text);
        var byData = await Principal(await Policy(new { effect = "allow", actions = new[] { "use" }, keys = new[] { "*" }, when = new { associated_data_prefix = Base64("tenant-1") } }));
        (await byData.Post($"/v1/keys/{key}/encrypt", new { plaintext = _hello, associated_data = Base64("tenant-1/a") })).Is(HttpStatusCode.OK);
        (await byData.Post($"/v1/keys/{key}/encrypt", new { plaintext = _hello, associated_data = Base64("tenant-2") })).Is(HttpStatusCode.Forbidden, "permission_denied");
        (await byData.Encrypt(key)).Is(HttpStatusCode.Forbidden, "permission_denied");
        var items = (await byData.Post($"/v1/keys/{key}/encrypt", new
        {
            items = new object[] { new { plaintext = _hello, associated_data = Base64("tenant-1") }, new { plaintext = _hello } },
        })).Is(HttpStatusCode.OK).Json["results"]!.AsArray();
        Assert.Equal([null, "permission_denied"], items.Select(item => (string?)item!["error"]?["code"]));
        (await byData.Post("/v1/random", new { bytes = 8 })).Is(HttpStatusCode.Forbidden, "permission_denied");

        var byKind = await Principal(await Policy(new { effect = "allow", actions = new[] { "use" }, keys = new[] { "*" }, when = new { kind = "data" } }));
        var dataKey = (string)(await api.Post($"/v1/keys/{key}/datakey", new { })).Is(HttpStatusCode.OK).Json["ciphertext"]!;
        (await byKind.Post($"/v1/keys/{key}/decrypt", new { ciphertext = await Encrypted(key) })).Is(HttpStatusCode.OK);
        (await byKind.Post($"/v1/keys/{key}/decrypt", new { ciphertext = dataKey })).Is(HttpStatusCode.Forbidden, "permission_denied");
        (await byKind.Post($"/v1/keys/{key}/rewrap", new { ciphertext = dataKey })).Is(HttpStatusCode.Forbidden, "permission_denied");
        (await byKind.Post("/v1/reencrypt", new { ciphertext = dataKey, destination_key_id = other })).Is(HttpStatusCode.Forbidden, "permission_denied");
        (await byKind.Post($"/v1/keys/{key}/datakey", new { })).Is(HttpStatusCode.Forbidden, "permission_denied");

        var bySource = await Principal(await Policy(new { effect = "allow", actions = new[] { "use" }, keys = new[] { "*" }, when = new { source = new[] { "192.0.2.0/24" } } }));
        (await bySource.Encrypt(key)).Is(HttpStatusCode.Forbidden, "permission_denied");
        var local = await Principal(await Policy(new { effect = "allow", actions = new[] { "use" }, keys = new[] { "*" }, when = new { source = new[] { "127.0.0.0/8", "::1/128" } } }));
        (await local.Encrypt(key)).Is(HttpStatusCode.OK);

        foreach (var (spec, protection, isAllowed) in ((string, string, bool)[])[("AES_256_GCM", "software", true), ("AES_128_GCM", "software", false), ("AES_256_GCM", "hsm", false)])
        {
            var byKey = await Principal(await Policy(
                new { effect = "allow", actions = new[] { "use", "keys:create" }, keys = new[] { "*" }, when = new { spec = new[] { spec }, protection } }));
            Assert.Equal(isAllowed ? null : "permission_denied", (await byKey.Encrypt(key)).Code);
            Assert.Equal("permission_denied", (await byKey.Encrypt(Api.NewId())).Code);
            Assert.Equal(isAllowed ? null : "permission_denied", (await byKey.Post("/v1/keys", new { id = Api.NewId() })).Code);
        }
    }

    [Fact]
    public async Task ChangedPolicy_TakesEffectForWhoHasIt()
    {
        var key = await api.NewKey();
        var policy = await Policy(new { effect = "allow", actions = new[] { "use" }, keys = new[] { key } });
        var caller = await Principal(policy);
        (await caller.Encrypt(key)).Is(HttpStatusCode.OK);
        (await api.Put("/v1/policies/" + policy, new { statements = new[] { new { effect = "deny", actions = new[] { "*" }, keys = new[] { "*" } } } })).Is(HttpStatusCode.OK);
        (await caller.Encrypt(key)).Is(HttpStatusCode.Forbidden, "permission_denied");
    }

    [Fact]
    public async Task EveryRoute_WithoutThePermission_Refuses_AndDoesNotTellWhetherTheKeyExists()
    {
        var (existing, missing) = (await api.NewKey(), Api.NewId());
        (await api.Put("/v1/aliases/" + existing, new { key_id = existing })).Is(HttpStatusCode.OK);
        var ciphertext = Convert.FromBase64String(await Encrypted(existing));
        var caller = await Principal(await Policy());
        var document = (await api.Get("/openapi/v1.json")).Is(HttpStatusCode.OK).Json;
        var routes = document["paths"]!.AsObject().SelectMany(path => path.Value!.AsObject().Select(method => (Path: path.Key, Method: method.Key))).ToList();
        Assert.Contains(routes, route => route.Path == "/v1/keys/{id}/history");
        foreach (var (path, method) in routes)
        {
            if (path.StartsWith("/health", StringComparison.Ordinal) || path.StartsWith("/openapi", StringComparison.Ordinal) || path == "/v1/whoami") continue;
            var answers = new List<string>();
            foreach (var key in (string[])[existing, missing])
            {
                var address = path.Replace("{id}", key, StringComparison.Ordinal).Replace("{name}", key, StringComparison.Ordinal)
                    .Replace("{prefix}", key, StringComparison.Ordinal).Replace("{n}", "1", StringComparison.Ordinal);
                answers.Add(Refusal(await caller.Send(new(method.ToUpperInvariant()), address, BodyOf(path, key, Named(ciphertext, key)))));
            }

            Assert.True(answers[0] == answers[1] && answers[0].Contains("permission_denied", StringComparison.Ordinal), $"{method} {path}: {answers[0]} and {answers[1]}");
        }
    }

    [Fact]
    public async Task Simulation_TellsWhy()
    {
        var policy = await Policy(
            new { effect = "allow", actions = new[] { "use" }, keys = new[] { "a.*" } },
            new { effect = "deny", actions = new[] { "keys:decrypt" }, keys = new[] { "a.b" }, when = new { kind = "data_key" } });
        var caller = await Principal(policy);
        async Task<string> Simulate(object body) => (await api.Post("/v1/policies/simulate", body)).Is(HttpStatusCode.OK).Text;
        var principal = caller.Name;
        Assert.Equal(
            $$"""{"allowed":true,"because":[{"policy":"{{policy}}","statement":0,"effect":"allow"}]}""",
            await Simulate(new { principal, action = "keys:encrypt", key_id = "a.b" }));
        Assert.Equal(
            $$"""{"allowed":false,"because":[{"policy":"{{policy}}","statement":1,"effect":"deny"}]}""",
            await Simulate(new { principal, action = "keys:decrypt", key_id = "a.b", context = new { kind = "data_key" } }));
        Assert.Equal("""{"allowed":false,"because":[]}""", await Simulate(new { principal, action = "keys:encrypt", key_id = "b" }));
        (await api.Post("/v1/policies/simulate", new { principal = Api.NewId(), action = "keys:encrypt" })).Is(HttpStatusCode.NotFound, "principal_not_found");
        (await api.Post("/v1/policies/simulate", new { principal, action = "keys:fly" })).Is(HttpStatusCode.BadRequest, "invalid_parameter");
    }

    /// <summary>What is decided elsewhere or under another name: the simulation's answer, and the service's.</summary>
    [Fact]
    public async Task Simulation_AgreesWithTheService_WhereAnActionIsDecidedOtherwiseThanByItsName()
    {
        var (own, plain) = (await api.NewKey(), await api.NewKey());
        (await api.Put($"/v1/keys/{own}/policy", new { statements = new[] { new { effect = "deny", actions = new[] { "keys:decrypt" } } } })).Is(HttpStatusCode.OK);
        var ciphertexts = new Dictionary<string, string> { [own] = await Encrypted(own), [plain] = await Encrypted(plain) };
        var caller = await Principal(await Policy(
            new { effect = "allow", actions = new[] { "keys:encrypt", "keys:decrypt", "approvals:list" }, keys = new[] { own, plain } },
            new { effect = "allow", actions = new[] { "random:draw" }, keys = new[] { plain } },
            new { effect = "allow", actions = new[] { "principals:list", "policies:put", "keks:list" }, keys = new[] { "*" }, when = new { source = new[] { "127.0.0.0/8", "::1/128" } } },
            new { effect = "allow", actions = new[] { "policies:delete" }, keys = new[] { "*" } }));
        (string Action, string? Key, Func<Task<Answer>> Call, bool May)[] calls =
        [
            ("service:whoami", null, () => caller.Get("/v1/whoami"), true),
            ("keys:reencrypt", plain, () => caller.Post("/v1/reencrypt", new { ciphertext = ciphertexts[plain], destination_key_id = plain }), true),
            ("keys:reencrypt", own, () => caller.Post("/v1/reencrypt", new { ciphertext = ciphertexts[own], destination_key_id = own }), false),
            ("keys:batch", own, () => caller.Post("/v1/batch", new { operations = new[] { new { op = "encrypt", key_id = own, plaintext = _hello } } }), true),
            ("random:draw", plain, () => caller.Post("/v1/random", new { bytes = 8 }), false),
            ("principals:list", null, () => caller.Get("/v1/principals?limit=1"), true),
            ("principals:list", plain, () => caller.Get("/v1/principals?limit=1"), true),
            ("policies:put", null, () => caller.Send(HttpMethod.Put, "/v1/policies/" + Api.NewId(), new { statements = Array.Empty<object>() }), false),
            ("keks:list", null, () => caller.Get("/v1/admin/keks"), false),
            ("policies:delete", null, () => caller.Send(HttpMethod.Delete, "/v1/policies/" + Api.NewId(), null), true),
            ("approvals:list", null, () => caller.Get("/v1/approvals"), true),
            ("approvals:list", own, () => caller.Get("/v1/approvals?key=" + own), true),
            ("keys:list", null, () => caller.Get("/v1/keys"), false),
        ];
        foreach (var (action, key, call, may) in calls)
        {
            var simulated = (await api.Post("/v1/policies/simulate", new { principal = caller.Name, action, key_id = key, context = new { source = "127.0.0.1" } })).Is(HttpStatusCode.OK).Json;
            Assert.Equal((action, key, may), (action, key, (bool)simulated["allowed"]!));
            Assert.Equal((action, key, may), (action, key, (await call()).Code != "permission_denied"));
        }

        var byJwt = new { principal = caller.Name, action = "policies:delete", context = new { credential = "jwt" } };
        Assert.False((bool)(await api.Post("/v1/policies/simulate", byJwt)).Is(HttpStatusCode.OK).Json["allowed"]!);
        (await api.Post("/v1/policies/simulate", new { principal = caller.Name, action = "policies:delete", context = new { credential = "password" } }))
            .Is(HttpStatusCode.BadRequest, "invalid_parameter");

        // Whose rights somebody has looked at is in the trail.
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (true)
        {
            var found = (await api.Get("/v1/audit?action=policies:simulate&limit=100")).Is(HttpStatusCode.OK).Json["records"]!.AsArray();
            if (found.Any(record => (string?)record!["detail"] == $"principal:{caller.Name} keys:reencrypt key {own}")) break;
            await Task.Delay(100, patience.Token);
        }
    }

    /// <summary>Metrics and the dashboard are no routes of the reference, and are judged like them.</summary>
    [Fact]
    public async Task MetricsAndDashboard_AreForWhomAPolicyNamesThem_AndNothingElseIs()
    {
        var (nobody, metrics, dashboard) = (
            await Principal(await Policy()),
            await Principal(await Policy(new { effect = "allow", actions = new[] { "service:metrics" }, keys = new[] { "*" } })),
            await Principal(await Policy(new { effect = "allow", actions = new[] { "service:dashboard" }, keys = new[] { "*" } })));
        foreach (var (path, who) in ((string, Caller)[])[("/metrics", metrics), ("/dashboard/", dashboard)])
        {
            foreach (var caller in (Caller[])[nobody, metrics, dashboard])
            {
                var status = await Status(path, caller.Token);
                Assert.Equal((path, caller == who ? HttpStatusCode.OK : HttpStatusCode.Forbidden), (path, status));
            }

            Assert.Equal(HttpStatusCode.Unauthorized, await Status(path, null));
            (await who.Get("/v1/keys")).Is(HttpStatusCode.Forbidden, "permission_denied");
            (await who.Get("/v1/principals")).Is(HttpStatusCode.Forbidden, "permission_denied");
        }

        foreach (var path in (string[])["/health", "/health/live", "/health/ready", "/openapi/v1.json", "/docs"]) Assert.Equal(HttpStatusCode.OK, await Status(path, null));

        async Task<HttpStatusCode> Status(string path, string? token)
        {
            using var http = new HttpClient { BaseAddress = api.Service.Http.BaseAddress };
            if (token is not null) http.DefaultRequestHeaders.Authorization = new("Bearer", token);
            using var answer = await http.GetAsync(path);
            return answer.StatusCode;
        }
    }

    // What differs between two refusals: everything but the id of the request. Of many at once, what each part is told.
    private static string Refusal(Answer answer)
    {
        if (answer.Code is not null) return $"{(int)answer.Status} {answer.Code} {answer.Json["detail"]}";
        var parts = answer.Json.AsObject().First().Value!.AsArray();
        return string.Join(' ', parts.Select(part => (part!["error"] ?? part).ToJsonString().Replace((string?)part["key_id"] ?? "-", "", StringComparison.Ordinal)));
    }

    private static object? BodyOf(string path, string key, string ciphertext) => path switch
    {
        "/v1/keys" => new { id = key },
        "/v1/keys/validate" => new { ids = new[] { key } },
        "/v1/batch" => new { operations = new[] { new { op = "encrypt", key_id = key, plaintext = _hello } } },
        "/v1/decrypt" or "/decrypt" => new { ciphertext },
        "/v1/reencrypt" => new { ciphertext, destination_key_id = key },
        "/encrypt" => new { key_id = key, plaintext = _hello },
        "/v1/aliases/{name}" => new { key_id = key },
        _ => null,
    };

    // A ciphertext that names a key of the same length, as anyone can write one.
    private static string Named(byte[] ciphertext, string key)
    {
        var copy = (byte[])ciphertext.Clone();
        System.Text.Encoding.ASCII.GetBytes(key).CopyTo(copy, 7);
        return Convert.ToBase64String(copy);
    }

    private async Task<string> Encrypted(string key) =>
        (string)(await api.Post($"/v1/keys/{key}/encrypt", new { plaintext = _hello })).Is(HttpStatusCode.OK).Json["ciphertext"]!;

    private async Task<string> Policy(params object[] statements)
    {
        var name = Api.NewId();
        (await api.Put("/v1/policies/" + name, new { statements })).Is(HttpStatusCode.OK);
        return name;
    }

    private async Task<Caller> Principal(string policy)
    {
        var name = Api.NewId();
        (await api.Post("/v1/principals", new { name, policies = new[] { policy } })).Is(HttpStatusCode.Created);
        var token = (string)(await api.Post($"/v1/principals/{name}/tokens")).Is(HttpStatusCode.Created).Json["token"]!;
        return new(api, name, token);
    }

    /// <summary>A principal that asks.</summary>
    private sealed record Caller(Api Api, string Name, string Token)
    {
        public Task<Answer> Get(string path) => Send(HttpMethod.Get, path, null);

        public Task<Answer> Post(string path, object body) => Send(HttpMethod.Post, path, body);

        public Task<Answer> Encrypt(string key) => Post($"/v1/keys/{key}/encrypt", new { plaintext = _hello });

        public Task<Answer> Send(HttpMethod method, string path, object? body)
        {
            var request = new HttpRequestMessage(method, path) { Content = body is null ? null : JsonContent.Create(body) };
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Token);
            return Api.Send(request);
        }
    }
}

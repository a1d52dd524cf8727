using System.Text;
using System.Text.Json.Nodes;
using OrleansKms.Gateway.Rest;

namespace OrleansKms.Tests.Unit.Policies;

/// <summary>That every route refuses whoever lacks its permission, and that the refusal tells nothing of what exists.</summary>
public sealed class RoutePermissionTests(PolicyGateway gateway) : IClassFixture<PolicyGateway>
{
    private const string Existing = "secret.exists", Missing = "secret.missing";

    /// <summary>The bodies of routes that name their key there.</summary>
    private static readonly Dictionary<string, Func<string, string>> _bodies = new()
    {
        ["POST /v1/keys"] = key => $$"""{"id":"{{key}}"}""",
        ["POST /v1/keys/validate"] = key => $$"""{"ids":["{{key}}"]}""",
        ["PUT /v1/aliases/{name}"] = key => $$"""{"key_id":"{{key}}"}""",
        ["POST /v1/decrypt"] = key => $$"""{"ciphertext":"{{Forged(key)}}"}""",
        ["POST /v1/restore"] = key => $$"""{"backup":"{{Convert.ToBase64String([.. "okmb"u8, 1, .. new byte[32], (byte)key.Length, .. Encoding.ASCII.GetBytes(key), .. new byte[48]])}}"}""",
        ["POST /v1/reencrypt"] = key => $$"""{"ciphertext":"{{Forged(key)}}","destination_key_id":"{{key}}"}""",
        ["POST /v1/batch"] = key => $$"""{"operations":[{"op":"encrypt","key_id":"{{key}}","plaintext":"AQ=="},{"op":"decrypt","ciphertext":"{{Forged(key)}}"},{"op":"reencrypt","ciphertext":"{{Forged(key)}}","destination_key_id":"{{key}}"},{"op":"rewrap","key_id":"{{key}}","ciphertext":"AQ=="},{"op":"datakey","key_id":"{{key}}"},{"op":"sign","key_id":"{{key}}","message":"AQ=="},{"op":"verify","key_id":"{{key}}","message":"AQ==","signature":"AQ=="},{"op":"mac","key_id":"{{key}}","message":"AQ=="},{"op":"verify-mac","key_id":"{{key}}","message":"AQ==","mac":"AQ=="}]}""",
        ["POST /v1/policies/simulate"] = key => $$"""{"principal":"admin","action":"keys:encrypt","key_id":"{{key}}"}""",
        ["POST /encrypt"] = key => $$"""{"key_id":"{{key}}","plaintext":"AQ=="}""",
        ["POST /decrypt"] = key => $$"""{"key_id":"{{key}}","ciphertext":"AQ=="}""",
    };

    /// <summary>Every route that needs a sign-in, by method and pattern.</summary>
    public static TheoryData<string> Guarded => new(Routes.All.Where(route => !route.IsOpen && !route.Operation!.IsForEveryone).Select(NameOf));

    [Theory]
    [MemberData(nameof(Guarded))]
    public async Task Route_WithNoPolicy_RefusesAlike_AndCallsNobody(string name)
    {
        var token = gateway.SignIn();
        await RefusesAlike(name, token, mayResolve: false);
    }

    [Theory]
    [MemberData(nameof(Guarded))]
    public async Task Route_WithEveryPermissionForOtherKeys_RefusesAlike(string name)
    {
        // A key's own routes are decided by the path, so that not even an alias is asked for; lists show what there is for the caller.
        if (RouteOf(name).Operation is { ListsKeys: true }) return;
        var token = gateway.SignIn(new PolicyStatement(PolicyEffect.Allow, ["*"], ["other.*"]));
        await RefusesAlike(name, token, mayResolve: true);
    }

    [Theory]
    [MemberData(nameof(Guarded))]
    public async Task Route_WithEveryPermissionButItsOwn_RefusesAlike(string name)
    {
        var operation = RouteOf(name).Operation!;
        var token = gateway.SignIn(
            new(PolicyEffect.Allow, ["*"], ["*"]), new PolicyStatement(PolicyEffect.Deny, [operation.Name], ["*"]));
        await RefusesAlike(name, token, mayResolve: false);
    }

    [Theory]
    [MemberData(nameof(Guarded))]
    public async Task Route_WithItsPermission_LetsThrough(string name)
    {
        var operation = RouteOf(name).Operation!;
        string[] actions = operation == KmsOperation.Reencrypt ? ["keys:decrypt", "keys:encrypt"] : operation == KmsOperation.RunBatch ? ["use"] : [operation.Name];
        var token = gateway.SignIn(new PolicyStatement(PolicyEffect.Allow, actions, ["*"]));
        var (status, json) = await Send(name, token, Missing);
        Assert.NotEqual(403, status);
        Assert.DoesNotContain("permission_denied", json?.ToJsonString() ?? "", StringComparison.Ordinal);
    }

    /// <summary>Roles against routes: who manages does not use, who uses does not manage.</summary>
    [Theory]
    [InlineData("administrator", "manage use export audit admin")]
    [InlineData("key-manager", "manage keys:history keys:public-key")]
    [InlineData("key-user", "use")]
    [InlineData("auditor", "audit")]
    public async Task Role_MayWhatItsGroupsHold(string role, string groups)
    {
        var token = gateway.SignIn(new List<Policy> { BuiltInPolicies.All[role] });
        foreach (var route in Routes.All.Where(route => !route.IsOpen && !route.Operation!.IsForEveryone))
        {
            var (status, _) = await Send(NameOf(route), token, Missing);
            var may = groups.Split(' ').Intersect([PolicyActions.NameOf(route.Operation!.Group), route.Operation.Name]).Any();
            Assert.Equal((NameOf(route), may), (NameOf(route), status != 403));
        }
    }

    [Theory]
    [InlineData("secret.exists", true)]
    [InlineData("secret.*", true)]
    [InlineData("secret*", true)]
    [InlineData("*", true)]
    [InlineData("secret", false)]
    [InlineData("secret.e", false)]
    [InlineData("secrets.*", false)]
    public async Task Pattern_LetsItsKeysThrough(string pattern, bool may)
    {
        gateway.Keys[Existing] = new("AES_256_GCM", KeyProtection.Software);
        var token = gateway.SignIn(new PolicyStatement(PolicyEffect.Allow, ["use", "manage", "export", "audit"], [pattern]));
        foreach (var route in Routes.All.Where(route => route.Operation is { NamesKey: true } && !route.Pattern.Contains("{name}", StringComparison.Ordinal)
            && route.Tag != "Approvals"))
        {
            var (status, json) = await Send(NameOf(route), token, Existing);
            var refused = status == 403 || (json?["results"] is { } results && results.AsArray().All(r => (string?)r!["error"]?["code"] == "permission_denied"));
            Assert.Equal((NameOf(route), may), (NameOf(route), !refused));
        }
    }

    /// <summary>Whatever the policies look at: what they need of the key is asked for once.</summary>
    [Fact]
    public async Task WarmEncrypt_IsOneCall()
    {
        gateway.Keys[Existing] = new("AES_256_GCM", KeyProtection.Software);
        var token = gateway.SignIn(
            new(PolicyEffect.Allow, ["use"], ["secret.*"]) { When = new() { Source = ["127.0.0.0/8"], Specs = ["AES_256_GCM"], Kind = CiphertextKind.Data } },
            new PolicyStatement(PolicyEffect.Deny, ["use"], ["*"]) { When = new() { AssociatedDataPrefix = [1] } });
        Task<(int Status, JsonNode? Json)> Encrypt() => gateway.Send(token, "POST", $"/v1/keys/{Existing}/encrypt", """{"plaintext":"AQ=="}""");
        Assert.Equal(409, (await Encrypt()).Status);
        var before = gateway.Calls.Count;
        Assert.Equal(409, (await Encrypt()).Status);
        Assert.Equal(["Encrypt " + Existing], gateway.Calls.Skip(before));
    }

    /// <summary>What a simulation asks, and what the routes do, over policies of all kinds.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task EveryRoute_DoesWhatASimulationSays(int seed)
    {
        gateway.Keys[Existing] = new("AES_256_GCM", KeyProtection.Software);
        gateway.Aliases[Existing] = Existing;
        var statements = Statements(new Random(seed));
        var (token, compiled) = (gateway.SignIn(statements), CompiledPolicies.Of([new("test", statements)]));
        var context = new AccessContext
        {
            Now = DateTimeOffset.UtcNow,
            Source = System.Net.IPAddress.Loopback,
            HasMessage = true,
            Key = gateway.Keys[Existing],
        };
        foreach (var route in Routes.All.Where(route => !route.IsOpen))
        {
            // A list shows what there is for the caller, whatever its parameters.
            var key = route.Operation!.NamesKey ? Existing : null;
            var (status, json) = await Send(NameOf(route), token, Existing);
            var refused = status == 403 || (json?["results"] is { } results && results.AsArray().All(r => (string?)r!["error"]?["code"] == "permission_denied"));
            var allowed = RequestRights.Allows(compiled, route.Operation, key, context);
            Assert.True(allowed == !refused, $"{NameOf(route)}: {status}, simulated {allowed}, of {Encoding.UTF8.GetString(PolicyText.Of(statements))}");
            Assert.DoesNotContain(RequestRights.Explain(compiled, route.Operation, key, context, allowed), statement => statement.Effect == PolicyEffect.Allow != allowed);
        }
    }

    /// <summary>Seeds of policies.</summary>
    public static TheoryData<int> Seeds => new(Enumerable.Range(1, 12));

    private static PolicyStatement[] Statements(Random random)
    {
        string[] actions = ["*", "use", "manage", "export", "audit", "admin", .. KmsOperation.All.Keys];
        string[] keys = ["*", "*", "secret.*", Existing, "other.*"];
        T Among<T>(T[] values) => values[random.Next(values.Length)];
        PolicyStatement Statement(PolicyEffect effect) => new(
            effect, [.. Enumerable.Range(0, random.Next(1, 6)).Select(_ => random.Next(2) == 0 ? actions[random.Next(6)] : Among(actions))], [Among(keys)])
        {
            When = random.Next(3) == 0 ? new() { Source = [Among(["127.0.0.0/8", "10.0.0.0/8"])] } : null,
        };
        return [Statement(PolicyEffect.Allow), Statement(PolicyEffect.Allow), Statement(PolicyEffect.Allow), Statement(PolicyEffect.Deny) with { Actions = [Among(actions[1..]), "keys:batch", Among(actions[6..])] }];
    }

    private async Task RefusesAlike(string name, string token, bool mayResolve)
    {
        gateway.Keys[Existing] = new("AES_256_GCM", KeyProtection.Software);
        gateway.Aliases[Existing] = Existing;
        var names = RouteOf(name).Pattern.Contains("{id}", StringComparison.Ordinal) ? (string[])[Existing, Missing, "alias:" + Existing, "alias:" + Missing] : [Existing, Missing];
        var answers = new List<string>();
        foreach (var key in names)
        {
            var before = gateway.Calls.Count;
            var (status, json) = await Send(name, token, key);
            var calls = gateway.Calls.Skip(before).ToArray();
            Assert.All(calls, call => Assert.True(mayResolve && call.StartsWith("Resolve ", StringComparison.Ordinal), $"{name} {key}: {call}"));
            answers.Add($"{status} {WithoutNames(json, key)}");
        }

        Assert.Single(answers.Distinct());
        Assert.Contains("permission_denied", answers[0], StringComparison.Ordinal);
        if (!answers[0].StartsWith("403", StringComparison.Ordinal))
        {
            // Each by itself.
            Assert.Contains(name, (string[])["POST /v1/batch", "POST /v1/keys/validate"]);
            Assert.DoesNotContain(JsonNode.Parse(answers[0][4..])!["results"]!.AsArray(), result => (string?)result!["error"]?["code"] != "permission_denied");
        }
    }

    private Task<(int Status, JsonNode? Json)> Send(string name, string token, string key)
    {
        var (method, pattern) = (name.Split(' ')[0], name.Split(' ')[1]);
        var id = pattern.StartsWith("/v1/approvals/", StringComparison.Ordinal) ? ApprovalId.Of(key, new string('0', 32)) : key;
        var path = pattern.Replace("{id}", id, StringComparison.Ordinal).Replace("{name}", key, StringComparison.Ordinal).Replace("{n}", "1", StringComparison.Ordinal).Replace("{prefix}", key, StringComparison.Ordinal);
        var body = _bodies.TryGetValue(name, out var make) ? make(key) : method is "GET" or "DELETE" ? null : "{}";
        return gateway.Send(token, method, path, body);
    }

    // The request's id is its own, and a validation repeats what it was asked for.
    private static string WithoutNames(JsonNode? json, string key)
    {
        json!.AsObject().Remove("request_id");
        return json.ToJsonString().Replace($"\"{key}\"", "\"\"", StringComparison.Ordinal);
    }

    private static string NameOf(Route route) => $"{route.Method} {route.Pattern}";

    private static Route RouteOf(string name) => Routes.All.Single(route => NameOf(route) == name);

    private static string Forged(string key) => Convert.ToBase64String(
        [1, 1, 0, 0, 0, 1, (byte)key.Length, .. Encoding.ASCII.GetBytes(key), .. new byte[12 + 1 + 16]]);
}

using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using OrleansKms.Grains.Access;
using OrleansKms.Tests.Cluster.Keys;

namespace OrleansKms.Tests.Cluster.Access;

/// <summary>Policies by name in both databases, with the principals that have them.</summary>
public sealed class PolicyTests
{
    private static readonly byte[] _administrator = "the administrator's token"u8.ToArray();
    private static readonly AdministratorProof _proof = new(_administrator);

    private static readonly PolicyStatement _use = new(PolicyEffect.Allow, ["use"], ["payments.*"]);

    [Theory]
    [InlineData("sqlite")]
    [InlineData("postgres")]
    public async Task Policy_IsKept_AndPrincipalsHaveIt_UntilItIsReplacedOrDeleted(string kind)
    {
        using var database = await KeyDatabase.Make(kind);
        await using (var silo = await Start(database))
        {
            await Put(silo, "cards", _use);
            await Put(silo, "empty");
            await Create(silo, "app", "cards", "auditor");
            var token = await Token(silo, "app");
            Assert.Equal(["cards", "auditor"], (await Find(silo, token.Id))!.Policies.Select(policy => policy.Name));
            var order = await Order(silo);
            await Put(silo, "cards", _use, new(PolicyEffect.Deny, ["keys:decrypt"], ["*"]));
            Assert.Equal(2, (await Find(silo, token.Id))!.Policies[0].Statements.Count);
            Assert.Contains("policy:cards", (await Changes(silo, order)).Names);
            await Refused("conflict", () => Policies(silo).Delete(new(TestSilo.Caller, "cards", _proof)));
        }

        await using (var silo = await Start(database))
        {
            Assert.Equal(2, (await Policies(silo).Describe(new(TestSilo.Caller, "cards"))).Statements.Count);
            await Principals(silo).Update(new() { Caller = TestSilo.Caller, Proof = _proof, Name = "app", Policies = ["key-user"] });
            await Policies(silo).Delete(new(TestSilo.Caller, "cards", _proof));
            await Refused("policy_not_found", () => Policies(silo).Describe(new(TestSilo.Caller, "cards")));
            await Refused("policy_not_found", () => Policies(silo).Delete(new(TestSilo.Caller, "cards", _proof)));
            await Refused("policy_not_found", () => Principals(silo).Update(new() { Caller = TestSilo.Caller, Proof = _proof, Name = "app", Policies = ["cards"] }));
            await Put(silo, "cards", _use);
            Assert.Single((await Policies(silo).Describe(new(TestSilo.Caller, "cards"))).Statements);
        }
    }

    [Fact]
    public async Task Change_NeedsProof_OfTheAdministratorOrOfAPrincipalWhosePoliciesAllowIt()
    {
        using var database = await KeyDatabase.Make("sqlite");
        await using var silo = await Start(database);
        var text = PolicyText.Of([_use]);
        await Refused("permission_denied", () => Policies(silo).Put(new(TestSilo.Caller, "p", text)));
        await Refused("permission_denied", () => Policies(silo).Put(new(TestSilo.Caller, "p", text, new("wrong"u8.ToArray()))));
        await Put(silo, "policies", new PolicyStatement(PolicyEffect.Allow, ["policies:put"], ["*"]));
        await Create(silo, "editor", "policies");
        await Create(silo, "manager", "key-manager", "key-user", "auditor");
        var (editor, manager) = (ProofOf(await Token(silo, "editor")), ProofOf(await Token(silo, "manager")));
        await Policies(silo).Put(new(TestSilo.Caller, "p", text, editor));
        await Refused("permission_denied", () => Policies(silo).Put(new(TestSilo.Caller, "p", text, manager)));
        await Refused("permission_denied", () => Policies(silo).Delete(new(TestSilo.Caller, "p", editor)));
    }

    [Fact]
    public async Task Policy_ThatCannotBe_IsRefused_AndBuiltInOnesStay()
    {
        using var database = await KeyDatabase.Make("sqlite");
        await using var silo = await Start(database);
        await Refused("invalid_parameter", () => Put(silo, "-p", _use));
        await Refused("invalid_parameter", () => Put(silo, "p", _use with { Principals = ["app"] }));
        await Refused("invalid_parameter", () => Put(silo, "p", _use with { Keys = [] }));
        await Refused("policy_too_large", () => Put(silo, "p", [.. Enumerable.Repeat(_use, 101)]));
        await Refused("policy_too_large", () => Policies(silo).Put(new(TestSilo.Caller, "p", new byte[KmsLimits.PolicyBytes + 1], _proof)));
        await Refused("invalid_request", () => Policies(silo).Put(new(TestSilo.Caller, "p", Encoding.UTF8.GetBytes(new string('[', 30_000)), _proof)));
        foreach (var name in BuiltInPolicies.All.Keys)
        {
            await Refused("conflict", () => Put(silo, name, _use));
            await Refused("conflict", () => Policies(silo).Delete(new(TestSilo.Caller, name, _proof)));
            Assert.Same(BuiltInPolicies.All[name].Name, name);
            Assert.Single((await Policies(silo).Describe(new(TestSilo.Caller, name))).Statements);
        }
    }

    [Fact]
    public async Task List_HasEveryPolicy_InOrder_PageByPage()
    {
        using var database = await KeyDatabase.Make("sqlite");
        await using var silo = await Start(database);
        foreach (var name in (string[])["zeta", "a", "auditors", "key-keeper"]) await Put(silo, name, _use);
        string[] all = ["a", "administrator", "auditor", "auditors", "key-keeper", "key-manager", "key-user", "zeta"];
        foreach (var limit in (int[])[1, 3, 8, 1000])
        {
            var listed = new List<string>();
            for (string? after = null; ;)
            {
                var page = await Policies(silo).List(new(TestSilo.Caller, "", after, limit));
                listed.AddRange(page.Policies.Select(policy => policy.Name));
                if (!page.HasMore) break;
                after = listed[^1];
            }

            Assert.Equal(all, listed);
        }

        Assert.Equal(["key-keeper", "key-manager", "key-user"], (await Policies(silo).List(new(TestSilo.Caller, "key", null, 10))).Policies.Select(policy => policy.Name));
    }

    [Fact]
    public async Task Simulation_NamesTheStatementsThatDecide_OfThePrincipalAndOfTheKey()
    {
        using var database = await KeyDatabase.Make("sqlite");
        await using var silo = await Start(database);
        await silo.Create("payments.a");
        await silo.Create("payments.b");
        await Put(silo, "cards", new(PolicyEffect.Deny, ["keys:rewrap"], ["*"]), _use with { When = new() { Source = ["10.0.0.0/8"], Specs = ["AES_256_GCM"] } });
        await Create(silo, "app", "auditor", "cards");
        var own = silo.Grains.GetGrain<IKeyPolicyGrain>("payments.b");
        await own.SetPolicy(new(TestSilo.Caller, PolicyText.Of([new(PolicyEffect.Allow, ["keys:encrypt"], []) { Principals = ["app"] }, new(PolicyEffect.Deny, ["keys:datakey"], [])])));

        async Task<string> Simulate(string action, string? key = "payments.a", string principal = "app", string source = "10.1.1.1", string? spec = null)
        {
            var simulated = await Policies(silo).Simulate(new() { Caller = TestSilo.Caller, Principal = principal, Action = action, KeyId = key, Source = source, Spec = spec });
            return string.Join(' ', simulated.Because.Select(reason => $"{reason.Policy}[{reason.Statement}]:{reason.Effect}").Prepend($"{simulated.Allowed}"));
        }

        Assert.Equal("True cards[1]:Allow", await Simulate("keys:encrypt"));
        Assert.Equal("False", await Simulate("keys:encrypt", source: "192.0.2.1"));
        Assert.Equal("False cards[0]:Deny", await Simulate("keys:rewrap"));
        Assert.Equal("False", await Simulate("keys:rotate"));
        Assert.Equal("False", await Simulate("keys:encrypt", "payments.none"));
        Assert.Equal("True cards[1]:Allow", await Simulate("keys:encrypt", "payments.none", spec: "AES_256_GCM"));
        Assert.Equal("True cards[1]:Allow key:payments.b[0]:Allow", await Simulate("keys:encrypt", "payments.b"));
        Assert.Equal("False key:payments.b[1]:Deny", await Simulate("keys:datakey", "payments.b"));
        Assert.Equal("False key:payments.b[]:Deny", await Simulate("keys:decrypt", "payments.b"));
        Assert.Equal("True administrator[0]:Allow", await Simulate("keys:decrypt", "payments.b", principal: "admin"));
        // What is decided under other names, what anybody may, and what names no key whatever is said.
        Assert.Equal("True cards[1]:Allow", await Simulate("keys:reencrypt"));
        Assert.Equal("False key:payments.b[]:Deny", await Simulate("keys:reencrypt", "payments.b"));
        Assert.Equal("True cards[1]:Allow key:payments.b[0]:Allow", await Simulate("keys:batch", "payments.b"));
        Assert.Equal("True", await Simulate("service:whoami"));
        Assert.Equal("True auditor[0]:Allow", await Simulate("audit:search"));
        await Put(silo, "drawn", new(PolicyEffect.Allow, ["random:draw"], ["payments.*"]), new(PolicyEffect.Allow, ["policies:put"], ["*"]) { When = new() { Source = ["10.0.0.0/8"] } }, new(PolicyEffect.Allow, ["policies:delete"], ["*"]));
        await Create(silo, "drawer", "drawn");
        Assert.Equal("False", await Simulate("random:draw", principal: "drawer"));
        Assert.Equal("False", await Simulate("policies:put", principal: "drawer"));
        Assert.Equal("True drawn[2]:Allow", await Simulate("policies:delete", principal: "drawer"));
        Assert.False((await Policies(silo).Simulate(new() { Caller = TestSilo.Caller, Principal = "drawer", Action = "policies:delete", WithoutToken = true })).Allowed);
        await Refused("principal_not_found", () => Simulate("keys:decrypt", principal: "nobody"));
        await Refused("invalid_parameter", () => Simulate("use"));
        await Refused("invalid_key_id", () => Simulate("keys:decrypt", "alias:x"));
        await Principals(silo).Disable(new(TestSilo.Caller, "app", _proof));
        Assert.Equal("False", await Simulate("keys:encrypt"));
    }

    private static Task<TestSilo> Start(KeyDatabase database) => TestSilo.Start(
        database.Options, services: services => services.AddSingleton(new OwnAdministrator(SHA256.HashData(_administrator))));

    private static IPoliciesGrain Policies(TestSilo silo) => silo.Grains.GetGrain<IPoliciesGrain>(IPoliciesGrain.Key);

    private static IPrincipalsGrain Principals(TestSilo silo) => silo.Grains.GetGrain<IPrincipalsGrain>(IPrincipalsGrain.Key);

    private static Task<Policy> Put(TestSilo silo, string name, params PolicyStatement[] statements) =>
        Policies(silo).Put(new(TestSilo.Caller, name, PolicyText.Of(statements), _proof));

    private static Task<PrincipalDescription> Create(TestSilo silo, string name, params string[] policies) =>
        Principals(silo).Create(new() { Caller = TestSilo.Caller, Proof = _proof, Name = name, Policies = policies });

    private static Task<CreatedToken> Token(TestSilo silo, string name) =>
        Principals(silo).CreateToken(new(TestSilo.Caller, name, TimeSpan.FromDays(1), null, _proof));

    private static AdministratorProof ProofOf(CreatedToken token) => new(Encoding.ASCII.GetBytes(token.Token));

    private static async Task<PrincipalFacts?> Find(TestSilo silo, string tokenId) =>
        await silo.Services.GetRequiredService<AccessFacts>().Find(CredentialName.OfToken(tokenId));

    private static async Task<AccessChanges> Changes(TestSilo silo, long since)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (true)
        {
            var changes = await silo.Grains.GetGrain<IAccessFactsGrain>(0).Changes(new(TestSilo.Caller, since));
            if (changes.Order > since) return changes;
            await Task.Delay(20, patience.Token);
        }
    }

    private static async Task<long> Order(TestSilo silo)
    {
        // A view of the ledger is never older than what was written before it was asked for.
        await silo.Services.GetRequiredService<AccessFacts>().View();
        return (await silo.Grains.GetGrain<IAccessFactsGrain>(0).Changes(new(TestSilo.Caller, 0))).Order;
    }

    private static async Task Refused(string code, Func<Task> operation) =>
        Assert.Equal(code, (await Assert.ThrowsAsync<KmsException>(operation)).Code);
}

using System.Net;

namespace OrleansKms.Tests.Unit.Policies;

/// <summary>What compiled policies decide.</summary>
public sealed class CompiledPoliciesTests
{
    private static readonly DateTimeOffset _now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly AccessContext _context = new() { Now = _now, Source = IPAddress.Parse("10.1.2.3"), HasMessage = true };

    // What each built-in role may, written down a second time: by the group of the operation.
    private static readonly Dictionary<string, KmsOperationGroup[]> _roles = new()
    {
        ["administrator"] = Enum.GetValues<KmsOperationGroup>(),
        ["key-manager"] = [KmsOperationGroup.Manage],
        ["key-user"] = [KmsOperationGroup.Use],
        ["auditor"] = [KmsOperationGroup.Audit],
    };

    // What a role may of another group's: who manages a key may read what happened to it.
    private static readonly (string Role, KmsOperation Operation)[] _alsoAllowed = [("key-manager", KmsOperation.ReadHistory), ("key-manager", KmsOperation.ReadPublicKey)];

    /// <summary>Patterns, and for each which of the ids below it matches.</summary>
    private static readonly (string Pattern, string?[] Matches)[] _patterns =
    [
        ("*", [null, "payments", "payments.eu", "payments.eu.cards", "payments2", "Payments.eu", "other"]),
        ("payments", ["payments"]),
        ("payments*", ["payments", "payments.eu", "payments.eu.cards", "payments2"]),
        ("payments.*", ["payments.eu", "payments.eu.cards"]),
        ("payments.eu", ["payments.eu"]),
        ("payments.eu.cards*", ["payments.eu.cards"]),
        ("nothing.*", []),
    ];

    /// <summary>The built-in roles.</summary>
    public static TheoryData<string> Roles => new(_roles.Keys);

    /// <summary>Every way to name operations.</summary>
    public static TheoryData<string> Actions => new(["*", "use", "manage", "export", "audit", "admin", .. KmsOperation.All.Keys]);

    [Theory]
    [MemberData(nameof(Roles))]
    public void Roles_MayWhatTheirGroupsHold_ForEveryKey(string role)
    {
        var policies = CompiledPolicies.Of([BuiltInPolicies.All[role]]);
        foreach (var row in KmsOperation.All.Values)
        {
            var expected = _roles[role].Contains(row.Group) || _alsoAllowed.Contains((role, row)) ? AccessDecision.Allowed : AccessDecision.Denied;
            Assert.All((string?[])[null, "payments.eu", "x"], key => Assert.Equal((row, key, expected), (row, key, policies.Decide(row, key, _context))));
        }
    }

    /// <summary>Each role, narrowed to each pattern, over every operation and key; and each single action that the role holds.</summary>
    [Theory]
    [MemberData(nameof(Roles))]
    public void Roles_NarrowedToAPattern_MayWhatTheirGroupsHold_ForItsKeysOnly(string role)
    {
        var actions = Assert.Single(BuiltInPolicies.All[role].Statements).Actions;
        foreach (var (pattern, matches) in _patterns)
        {
            var narrowed = Of(new PolicyStatement(PolicyEffect.Allow, actions, [pattern]));
            var denied = CompiledPolicies.Of([BuiltInPolicies.All[role], new("deny", [new(PolicyEffect.Deny, actions, [pattern])])]);
            foreach (var row in KmsOperation.All.Values)
            {
                var isOfRole = _roles[role].Contains(row.Group) || _alsoAllowed.Contains((role, row));
                var single = Of(new PolicyStatement(PolicyEffect.Allow, [row.Name], [pattern]));
                foreach (var key in _patterns[0].Matches)
                {
                    var isMatched = matches.Contains(key);
                    Assert.Equal((pattern, row, key, isOfRole && isMatched), (pattern, row, key, narrowed.Decide(row, key, _context) == AccessDecision.Allowed));
                    Assert.Equal((pattern, row, key, isOfRole && !isMatched), (pattern, row, key, denied.Decide(row, key, _context) == AccessDecision.Allowed));
                    Assert.Equal((pattern, row, key, isMatched), (pattern, row, key, single.Decide(row, key, _context) == AccessDecision.Allowed));
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Actions))]
    public void Statements_MatchByActionAndPattern_AndDenyWins(string action)
    {
        foreach (var (pattern, matches) in _patterns)
        {
            var statement = new PolicyStatement(PolicyEffect.Allow, [action], [pattern]);
            var allowing = Of(statement);
            var denying = Of(new(PolicyEffect.Allow, ["*"], ["*"]), statement with { Effect = PolicyEffect.Deny });
            foreach (var (row, key) in KmsOperation.All.Values.SelectMany(row => _patterns[0].Matches.Select(key => (row, key))))
            {
                var isMatched = matches.Contains(key) && (action == "*" || action == row.Name || action == PolicyActions.NameOf(row.Group));
                for (var again = 0; again < 2; again++)
                {
                    Assert.Equal((pattern, row, key, isMatched), (pattern, row, key, allowing.Decide(row, key, _context) == AccessDecision.Allowed));
                    Assert.Equal((pattern, row, key, !isMatched), (pattern, row, key, denying.Decide(row, key, _context) == AccessDecision.Allowed));
                }
            }
        }
    }

    [Fact]
    public void Roles_AreTheBuiltInPolicies() =>
        Assert.Equal(_roles.Keys.Order(StringComparer.Ordinal), BuiltInPolicies.All.Keys.Order(StringComparer.Ordinal));

    [Fact]
    public void Nothing_IsAllowedByNothing()
    {
        Assert.All(KmsOperation.All.Values, row => Assert.Equal(AccessDecision.Denied, CompiledPolicies.None.Decide(row, "a", _context)));
        Assert.All(KmsOperation.All.Values, row => Assert.Equal(AccessDecision.Denied, Of().Decide(row, null, _context)));
    }

    /// <summary>Conditions, and whether they hold for the call below.</summary>
    public static TheoryData<PolicyConditions, bool> Conditions => new()
    {
        { new() { Source = ["192.0.2.0/24", "10.0.0.0/8"] }, true },
        { new() { Source = ["192.0.2.0/24"] }, false },
        { new() { NotBefore = _now, NotAfter = _now }, true },
        { new() { NotBefore = _now.AddTicks(1) }, false },
        { new() { NotAfter = _now.AddTicks(-1) }, false },
        { new() { AssociatedDataPrefix = [1] }, true },
        { new() { AssociatedDataPrefix = [1, 2] }, true },
        { new() { AssociatedDataPrefix = [1, 2, 3] }, false },
        { new() { AssociatedDataPrefix = [2] }, false },
        { new() { Kind = CiphertextKind.DataKey }, true },
        { new() { Kind = CiphertextKind.Data }, false },
        { new() { Protection = KeyProtection.Software }, true },
        { new() { Protection = KeyProtection.Hsm }, false },
        { new() { Specs = ["XAES_256_GCM", "AES_256_GCM"] }, true },
        { new() { Specs = ["AES_256"] }, false },
        { new() { Source = ["10.0.0.0/8"], Kind = CiphertextKind.DataKey, Specs = ["AES_256_GCM"], Protection = KeyProtection.Hsm }, false },
    };

    [Theory]
    [MemberData(nameof(Conditions))]
    public void Conditions_AllMustHold(PolicyConditions when, bool expected)
    {
        var context = _context.With([1, 2], CiphertextKind.DataKey) with { Key = new("AES_256_GCM", KeyProtection.Software) };
        var statement = new PolicyStatement(PolicyEffect.Allow, ["use"], ["a*"]) { When = when };
        Assert.Equal(expected ? AccessDecision.Allowed : AccessDecision.Denied, Of(statement).Decide(KmsOperation.Decrypt, "a", context));
        Assert.Equal(
            expected ? AccessDecision.Denied : AccessDecision.Allowed,
            Of(new(PolicyEffect.Allow, ["*"], ["*"]), statement with { Effect = PolicyEffect.Deny }).Decide(KmsOperation.Decrypt, "a", context));
    }

    [Fact]
    public void WhatIsNotKnown_LeavesOpenOnlyWhatDependsOnIt()
    {
        var early = new AccessContext { Now = _now };
        var kind = new PolicyStatement(PolicyEffect.Allow, ["use"], ["*"]) { When = new() { Kind = CiphertextKind.Data } };
        var spec = new PolicyStatement(PolicyEffect.Allow, ["use"], ["*"]) { When = new() { Specs = ["AES_256_GCM"] } };
        var all = new PolicyStatement(PolicyEffect.Allow, ["use"], ["*"]);
        Assert.Equal(AccessDecision.DependsOnMessage, Of(kind).Decide(KmsOperation.Decrypt, "a", early));
        Assert.Equal(AccessDecision.DependsOnKey, Of(spec).Decide(KmsOperation.Decrypt, "a", early));
        Assert.Equal(AccessDecision.DependsOnMessage, Of(spec, kind).Decide(KmsOperation.Decrypt, "a", early));
        Assert.Equal(AccessDecision.Allowed, Of(spec, kind, all).Decide(KmsOperation.Decrypt, "a", early));
        Assert.Equal(AccessDecision.Denied, Of(spec, kind).Decide(KmsOperation.RotateKey, "a", early));

        // A denial that may hold leaves open what would be allowed, and only that.
        var denied = kind with { Effect = PolicyEffect.Deny };
        Assert.Equal(AccessDecision.DependsOnMessage, Of(all, denied).Decide(KmsOperation.Decrypt, "a", early));
        Assert.Equal(AccessDecision.Denied, Of(denied).Decide(KmsOperation.Decrypt, "a", early));
        Assert.Equal(AccessDecision.Denied, Of(all, denied).Decide(KmsOperation.Decrypt, "a", early.With(null, CiphertextKind.Data)));
        Assert.Equal(AccessDecision.Allowed, Of(all, denied).Decide(KmsOperation.Decrypt, "a", early.With(null, CiphertextKind.None)));

        // What is known to fail decides, whatever is not known.
        var late = kind with { When = new() { Kind = CiphertextKind.Data, NotAfter = _now.AddSeconds(-1) } };
        Assert.Equal(AccessDecision.Denied, Of(late).Decide(KmsOperation.Decrypt, "a", early));
    }

    [Fact]
    public void NoAddress_LiesInNoNetwork() => Assert.Equal(
        AccessDecision.Denied,
        Of(new PolicyStatement(PolicyEffect.Allow, ["*"], ["*"]) { When = new() { Source = ["::/0"] } })
            .Decide(KmsOperation.ListKeks, null, new AccessContext { Now = _now }));

    [Fact]
    public void AKeysOwnPolicy_Narrows()
    {
        static AccessDecision Decide(KmsOperation operation, string principal, params PolicyStatement[] statements) =>
            CompiledPolicies.OfKey(new("key", statements)).Decide(operation, "a", _context with { Principal = principal });

        var allow = new PolicyStatement(PolicyEffect.Allow, ["use"], []) { Principals = ["app-*"] };
        var deny = new PolicyStatement(PolicyEffect.Deny, ["keys:decrypt"], []) { Principals = ["app-1"] };
        Assert.Equal(AccessDecision.Allowed, Decide(KmsOperation.Encrypt, "anyone"));
        Assert.Equal(AccessDecision.Allowed, Decide(KmsOperation.Encrypt, "app-1", allow));
        Assert.Equal(AccessDecision.Denied, Decide(KmsOperation.Encrypt, "app", allow));
        Assert.Equal(AccessDecision.Denied, Decide(KmsOperation.RotateKey, "app-1", allow));
        Assert.Equal(AccessDecision.Denied, Decide(KmsOperation.Decrypt, "app-1", allow, deny));
        Assert.Equal(AccessDecision.Allowed, Decide(KmsOperation.Decrypt, "app-2", allow, deny));
        Assert.Equal(AccessDecision.Denied, Decide(KmsOperation.Decrypt, "app-1", deny));
        Assert.Equal(AccessDecision.Allowed, Decide(KmsOperation.Decrypt, "other", deny));
        Assert.Equal(AccessDecision.Allowed, Decide(KmsOperation.RotateKey, "app-1", deny));
    }

    [Fact]
    public void MayAllowSome_IsWhetherAnyKeyCouldBe()
    {
        var some = new PolicyStatement(PolicyEffect.Allow, ["manage"], ["payments.*"]);
        Assert.Equal(AccessDecision.Denied, Of(some).Decide(KmsOperation.ListKeys, null, _context));
        Assert.True(Of(some).MayAllowSome(KmsOperation.ListKeys, _context));
        Assert.False(Of(some).MayAllowSome(KmsOperation.Encrypt, _context));
        Assert.False(Of(some, new(PolicyEffect.Deny, ["keys:list"], ["*"])).MayAllowSome(KmsOperation.ListKeys, _context));
        Assert.True(Of(some, new(PolicyEffect.Deny, ["keys:list"], ["payments.eu"])).MayAllowSome(KmsOperation.ListKeys, _context));
        Assert.False(Of(some with { When = new() { NotAfter = _now.AddDays(-1) } }).MayAllowSome(KmsOperation.ListKeys, _context));
    }

    [Fact]
    public void Explain_NamesTheStatementsThatDecide()
    {
        var policies = CompiledPolicies.Of(
        [
            new("first", [new(PolicyEffect.Allow, ["manage"], ["*"]), new(PolicyEffect.Allow, ["use"], ["a*"])]),
            new("second", [new(PolicyEffect.Deny, ["keys:decrypt"], ["ab"]), new(PolicyEffect.Allow, ["*"], ["*"])]),
        ]);
        string[] Explain(KmsOperation operation, string key) =>
            [.. policies.Explain(operation, key, _context).Select(s => $"{s.Policy}[{s.Index}] {s.Effect}")];

        Assert.Equal(["first[1] Allow", "second[1] Allow"], Explain(KmsOperation.Encrypt, "ab"));
        Assert.Equal(["second[0] Deny"], Explain(KmsOperation.Decrypt, "ab"));
        Assert.Empty(CompiledPolicies.None.Explain(KmsOperation.Decrypt, "ab", _context));
    }

    [Fact]
    public void Decisions_AllocateNothing_OnceAKeyWasAskedFor()
    {
        var policies = Of(
            new(PolicyEffect.Allow, ["use"], ["payments.*"]) { When = new() { Source = ["10.0.0.0/8"], AssociatedDataPrefix = [1], Specs = ["AES_256_GCM"] } },
            new(PolicyEffect.Deny, ["use"], ["payments.secret*"]));
        var context = _context.With([1], CiphertextKind.Data) with { Key = new("AES_256_GCM", KeyProtection.Software) };
        AccessDecision Decide(int times)
        {
            var decision = AccessDecision.Denied;
            for (var i = 0; i < times; i++) decision = policies.Decide(KmsOperation.Encrypt, "payments.eu", context);
            return decision;
        }

        var decided = AccessDecision.Denied;
        Assert.Equal(0, Allocations.Least(() => decided = Decide(1000)));
        Assert.Equal(AccessDecision.Allowed, decided);
    }

    [Fact]
    public void WhatIsRemembered_IsBounded_AndStaysRight()
    {
        var policies = Of(new PolicyStatement(PolicyEffect.Allow, ["use"], ["even.*"]));
        for (var i = 0; i < 3 * CompiledPolicies.MaxRemembered; i++)
        {
            var key = (i % 2 == 0 ? "even." : "odd.") + i;
            Assert.Equal(i % 2 == 0 ? AccessDecision.Allowed : AccessDecision.Denied, policies.Decide(KmsOperation.Encrypt, key, _context));
            Assert.InRange(policies.Remembered, 1, CompiledPolicies.MaxRemembered);
        }
    }

    private static CompiledPolicies Of(params PolicyStatement[] statements) => CompiledPolicies.Of([new("test", statements)]);
}

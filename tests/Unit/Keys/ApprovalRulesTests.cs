using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Operations;
using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Tests.Unit.Keys;

/// <summary>What a rule of dual control may be, what it guards, and which rules are stricter than others.</summary>
public sealed class ApprovalRulesTests
{
    private static readonly ApprovalRule _rule = new(["destroy", "rotate"], 2, ["alice", "ops-*"], TimeSpan.FromDays(7));
    private static readonly Caller _caller = new("dave", "local", "request-1");

    public static TheoryData<string, ApprovalRule?, bool> Successors() => new()
    {
        { "itself", _rule with { Operations = [.. _rule.Operations] }, false },
        { "none", null, true },
        { "more operations", _rule with { Operations = ["rotate", "destroy", "approval"] }, false },
        { "fewer operations", _rule with { Operations = ["destroy"] }, true },
        { "other operations", _rule with { Operations = ["destroy", "enable", "disable"] }, true },
        { "more required", _rule with { Required = 3 }, false },
        { "fewer required", _rule with { Required = 1 }, true },
        { "less time", _rule with { Expires = TimeSpan.FromHours(1) }, false },
        { "more time", _rule with { Expires = TimeSpan.FromDays(8) }, true },
        { "fewer approvers", _rule with { Approvers = ["ops-*"] }, false },
        { "approvers of the same pattern", _rule with { Approvers = ["alice", "ops-1", "ops-eu-*"] }, false },
        { "another approver", _rule with { Approvers = ["alice", "ops-*", "bob"] }, true },
        { "another approver in place of one", _rule with { Approvers = ["bob", "ops-*"] }, true },
        { "a wider pattern", _rule with { Approvers = ["alice", "ops*"] }, true },
        { "everyone", _rule with { Approvers = ["*"] }, true },
        { "stricter here and looser there", _rule with { Required = 5, Operations = ["destroy", "rotate", "enable"], Expires = TimeSpan.FromDays(8) }, true },
    };

    [Theory]
    [MemberData(nameof(Successors))]
    public void Loosens_IsWhateverIsNotPlainlyAsStrict(string name, ApprovalRule? next, bool loosens)
    {
        Assert.True(ApprovalRules.Loosens(_rule, next) == loosens, name);
        Assert.Equal(loosens ? "approval" : null, ApprovalRules.Guard(_rule, Update(new() { Caller = _caller, Approval = new(true, next) })));
    }

    [Theory]
    [InlineData("alice", true)]
    [InlineData("ops-", true)]
    [InlineData("ops-1", true)]
    [InlineData("ops", false)]
    [InlineData("Alice", false)]
    [InlineData("alice2", false)]
    [InlineData("*", false)]
    public void MayApprove_IsByNameOrPrefix(string principal, bool may)
    {
        Assert.Equal(may, ApprovalRules.MayApprove(_rule, principal));
        Assert.False(ApprovalRules.MayApprove(null, principal));
        Assert.True(ApprovalRules.MayApprove(_rule with { Approvers = ["*"] }, principal));
    }

    [Theory]
    [InlineData("gateway")]
    [InlineData("Anonymous")]
    [InlineData("okms")]
    [InlineData("billing/service")]
    [InlineData("billing/*")]
    public void ApproverWhomNobodyCanBe_IsRefused(string approver)
    {
        var refusal = Assert.Throws<KmsException>(() => ApprovalRules.Check(_rule with { Approvers = ["alice", "bob", approver] }));
        Assert.Equal("invalid_parameter", refusal.Code);
        ApprovalRules.Check(_rule with { Approvers = ["alice", "admin", "gateway*"] });
    }

    /// <summary>A policy of the key's own, and whether the approvers alice and ops-* could still undo it if two must approve.</summary>
    public static TheoryData<string, PolicyStatement[], bool> Policies() => new()
    {
        { "none of approving", [new(PolicyEffect.Deny, ["use"], [])], false },
        { "only uses", [new(PolicyEffect.Allow, ["use"], [])], true },
        { "uses, and approving by those of one prefix", [new(PolicyEffect.Allow, ["use"], []), new(PolicyEffect.Allow, ["approvals:approve"], []) { Principals = ["ops-eu-*"] }], false },
        { "approving by others", [new(PolicyEffect.Allow, ["manage"], []) { Principals = ["bob", "op"] }], true },
        { "approving by one of two", [new(PolicyEffect.Allow, ["*"], []) { Principals = ["alice"] }], true },
        { "denied to everyone", [new(PolicyEffect.Deny, ["manage"], [])], true },
        { "denied to some", [new(PolicyEffect.Deny, ["manage"], []) { Principals = ["ops-1", "alice"] }], false },
        { "denied to all of a prefix", [new(PolicyEffect.Deny, ["manage"], []) { Principals = ["ops*"] }], true },
        { "denied for a time", [new(PolicyEffect.Deny, ["manage"], []) { When = new() { NotAfter = DateTimeOffset.UnixEpoch } }], false },
        { "denied for other keys", [new(PolicyEffect.Deny, ["manage"], ["other"])], false },
    };

    [Theory]
    [MemberData(nameof(Policies))]
    public void RuleAndPolicy_ThatLockEachOther_AreRefused(string name, PolicyStatement[] policy, bool locks)
    {
        var row = KeyApprovalsTests.Row(_rule with { Operations = ["policy"] });
        Assert.True(Locks(row, row with { Policy = policy }) == locks, name);
        Assert.True(Locks(row with { Approval = null, Policy = policy }, row with { Policy = policy }) == locks, name);

        // Who is bound by no policy approves in any case; and what is not guarded can be undone by the administrator.
        Assert.False(Locks(row, row with { Policy = policy, Approval = row.Approval! with { Required = 1, Approvers = ["admin"] } }), name);
        Assert.False(Locks(row, row with { Policy = policy, Approval = _rule }), name);

        // Whatever else is changed of a key that is locked already.
        Assert.False(Locks(row with { Policy = policy }, row with { Policy = policy, Description = "changed" }), name);
    }

    private static bool Locks(KeyRow before, KeyRow after) =>
        Record.Exception(() => ApprovalDeadlock.Check("key", before, after)) is KmsException { Code: "conflict" };

    [Fact]
    public void Guard_OfAnUpdate_IsByWhatItSets()
    {
        var rule = _rule with { Operations = ["update"] };
        Assert.Equal("update", ApprovalRules.Guard(rule, Update(new() { Caller = _caller, Description = new(true, null) })));
        Assert.Equal("update", ApprovalRules.Guard(rule, Update(new() { Caller = _caller, MinDecryptVersion = 1 })));
        Assert.Null(ApprovalRules.Guard(rule, Update(new() { Caller = _caller, Approval = new(true, rule with { Required = 3 }) })));
        Assert.Equal("approval", ApprovalRules.Guard(rule, Update(new() { Caller = _caller, Approval = new(true, null), MinDecryptVersion = 1 })));
        Assert.Equal("approval", ApprovalRules.Guard(
            _rule with { Operations = ["approval"] }, Update(new() { Caller = _caller, Approval = new(true, _rule with { Operations = ["approval", "destroy"] }) })));
        Assert.Null(ApprovalRules.Guard(_rule with { Operations = ["approval"] }, Update(new() { Caller = _caller, Description = new(true, "x") })));
    }

    /// <summary>A field that an update gets one day is a change that <c>update</c> guards.</summary>
    [Fact]
    public void Guard_OfAnUpdate_KnowsEveryField()
    {
        foreach (var property in typeof(UpdateKey).GetProperties().Where(p => p.Name is not (nameof(UpdateKey.Caller) or nameof(UpdateKey.Approval) or "EqualityContract")))
        {
            var update = new UpdateKey { Caller = _caller };
            var set = Nullable.GetUnderlyingType(property.PropertyType) is { } value
                ? Activator.CreateInstance(value)
                : Activator.CreateInstance(property.PropertyType, true, null);
            property.SetValue(update, set);
            Assert.True(ApprovalRules.Guard(_rule with { Operations = ["update"] }, Update(update)) == "update", property.Name);
        }
    }

    public static TheoryData<string, ApprovalRule> BadRules() => new()
    {
        { "no operation", _rule with { Operations = [] } },
        { "operations that are null", _rule with { Operations = null! } },
        { "an operation that is null", _rule with { Operations = [null!] } },
        { "an unknown operation", _rule with { Operations = ["destroy", "encrypt"] } },
        { "an operation by its own name", _rule with { Operations = ["keys:rotate"] } },
        { "an operation in capitals", _rule with { Operations = ["Destroy"] } },
        { "an operation twice", _rule with { Operations = ["destroy", "destroy"] } },
        { "none required", _rule with { Required = 0 } },
        { "six required", _rule with { Required = 6 } },
        { "no approver", _rule with { Approvers = [] } },
        { "an approver that is empty", _rule with { Approvers = ["alice", ""] } },
        { "an approver that is null", _rule with { Approvers = ["alice", null!] } },
        { "an approver that can be none", _rule with { Approvers = ["alice", "bob smith"] } },
        { "a star within", _rule with { Approvers = ["alice", "a*b"] } },
        { "two stars", _rule with { Approvers = ["alice", "ops-**"] } },
        { "an approver twice", _rule with { Approvers = ["alice", "alice"] } },
        { "too many approvers", _rule with { Approvers = [.. Enumerable.Range(0, 33).Select(i => $"ops{i}")] } },
        { "fewer approvers than required", _rule with { Approvers = ["alice"] } },
        { "no time", _rule with { Expires = TimeSpan.Zero } },
        { "too much time", _rule with { Expires = TimeSpan.FromDays(366) } },
    };

    [Theory]
    [MemberData(nameof(BadRules))]
    public void Check_RefusesWhatNoRuleCanBe(string name, ApprovalRule rule) =>
        Assert.True(Assert.Throws<KmsException>(() => ApprovalRules.Check(rule)).Code == "invalid_parameter", name);

    [Fact]
    public void Check_LetsPassWhatARuleCanBe()
    {
        ApprovalRules.Check(null);
        ApprovalRules.Check(_rule);
        ApprovalRules.Check(new([.. GuardedOperations.Names], 5, ["*"], TimeSpan.FromSeconds(1)));
        ApprovalRules.Check(new(["export"], 1, ["billing@example.org"], TimeSpan.FromDays(365)));
    }

    /// <summary>What changes a key can be guarded, and can be carried out once it is approved; the rest is known not to.</summary>
    [Fact]
    public void Operations_ThatChangeAKey_AreGuardedAndCarriedOut()
    {
        // An import takes parameters, which are guarded.
        string[] exempt = ["aliases:describe", "aliases:point", "aliases:remove", "keys:backup", "keys:create", "keys:describe", "keys:describe-policy", "keys:import", "keys:restore", .. KmsOperation.All.Keys.Where(name => name.StartsWith("approvals:", StringComparison.Ordinal))];
        var changing = KmsOperation.All.Values.Where(row => row is { Group: KmsOperationGroup.Manage or KmsOperationGroup.Export, NamesKey: true }).Select(row => row.Name).Except(exempt);
        Assert.Equal(changing.Order(StringComparer.Ordinal), KmsOperation.All.Values.Where(GuardedOperations.Has).Select(row => row.Name).Order(StringComparer.Ordinal));
        Assert.Equal(changing.Order(StringComparer.Ordinal), RequestedChanges.Operations.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Names_AreThoseOfTheContract() => Assert.Equal(
        ["approval", "cancel-deletion", "destroy", "disable", "enable", "export", "import", "policy", "rotate", "update"], GuardedOperations.Names);

    private static RequestedOperation Update(UpdateKey update) => new("keys:update") { Update = update };
}

using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Operations;

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

namespace OrleansKms.Tests.Unit.Policies;

/// <summary>What a policy may be.</summary>
public sealed class PolicyRulesTests
{
    private static readonly PolicyStatement _good = new(PolicyEffect.Allow, ["keys:encrypt"], ["payments.*"]);

    /// <summary>Statements that no policy can have, and a word of what is said of each.</summary>
    public static TheoryData<string, PolicyStatement> Bad => new()
    {
        { "effect", _good with { Effect = (PolicyEffect)2 } },
        { "actions", _good with { Actions = [] } },
        { "'keys:encrypts'", _good with { Actions = ["keys:encrypts"] } },
        { "action", _good with { Actions = ["keys:*"] } },
        { "action", _good with { Actions = ["Use"] } },
        { "action", _good with { Actions = [""] } },
        { "action", _good with { Actions = [null!] } },
        { "'keys'", _good with { Keys = [] } },
        { "'*payments'", _good with { Keys = ["*payments"] } },
        { "'pay*ments'", _good with { Keys = ["pay*ments"] } },
        { "'**'", _good with { Keys = ["**"] } },
        { "'.payments*'", _good with { Keys = [".payments*"] } },
        { "'payments.'", _good with { Keys = ["payments."] } },
        { "neither", _good with { Keys = [""] } },
        { "neither", _good with { Keys = [new string('a', KmsLimits.IdLength + 1)] } },
        { "neither", _good with { Keys = [null!] } },
        { "principals", _good with { Principals = ["alice"] } },
        { "source", _good with { When = new() { Source = [] } } },
        { "'10.0.0.1/8'", _good with { When = new() { Source = ["10.0.0.0/8", "10.0.0.1/8"] } } },
        { "CIDR", _good with { When = new() { Source = [null!] } } },
        { "spec", _good with { When = new() { Specs = [] } } },
        { "'aes-256'", _good with { When = new() { Specs = ["aes-256"] } } },
        { "not_after", _good with { When = new() { NotBefore = DateTimeOffset.UnixEpoch.AddSeconds(1), NotAfter = DateTimeOffset.UnixEpoch } } },
        { "associated_data_prefix", _good with { When = new() { AssociatedDataPrefix = [] } } },
        { "associated_data_prefix", _good with { When = new() { AssociatedDataPrefix = new byte[KmsLimits.AssociatedDataBytes + 1] } } },
        { "protection", _good with { When = new() { Protection = (KeyProtection)7 } } },
        { "kind", _good with { When = new() { Kind = CiphertextKind.None } } },
    };

    [Theory]
    [MemberData(nameof(Bad))]
    public void Check_RefusesAndSaysWhichStatementAndWhy(string word, PolicyStatement statement)
    {
        var refusal = Assert.Throws<KmsException>(() => PolicyRules.Check([_good, statement], isOfKey: false));
        Assert.Equal("invalid_parameter", refusal.Code);
        Assert.Contains("Statement 1 ", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(word, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Check_PassesWhatAPolicyCanHave() => PolicyRules.Check(
        [
            _good,
            new(PolicyEffect.Deny, ["*", "use", "manage", "export", "audit", "admin", .. KmsOperation.All.Keys], ["*", "a", "a*", "a.*", "_-_"]),
            _good with
            {
                When = new()
                {
                    Source = ["10.0.0.0/8", "2001:db8::/32"], NotBefore = DateTimeOffset.UnixEpoch, NotAfter = DateTimeOffset.UnixEpoch,
                    AssociatedDataPrefix = [1], Protection = KeyProtection.Hsm, Specs = ["AES_256_GCM", "RSA_2048"], Kind = CiphertextKind.DataKey,
                },
            },
        ],
        isOfKey: false);

    [Fact]
    public void Check_OfAKeysOwnPolicy_TakesPrincipalsAndNoKeys()
    {
        PolicyRules.Check([_good with { Keys = [], Principals = ["alice", "ci-*", "*", "build@example.org"] }], isOfKey: true);
        foreach (string[] principals in (string[][])[[], [""], ["al*ice"], ["al ice"], [null!]])
        {
            Assert.Equal("invalid_parameter", Assert.Throws<KmsException>(
                () => PolicyRules.Check([_good with { Principals = principals }], isOfKey: true)).Code);
        }
    }

    [Fact]
    public void Check_RefusesAMissingStatement()
    {
        Assert.Equal("invalid_parameter", Assert.Throws<KmsException>(() => PolicyRules.Check(null, isOfKey: false)).Code);
        Assert.Equal("invalid_parameter", Assert.Throws<KmsException>(() => PolicyRules.Check([null], isOfKey: false)).Code);
    }

    [Fact]
    public void Check_RefusesMoreThanAHundredStatements()
    {
        PolicyRules.Check([.. Enumerable.Repeat(_good, 100)], isOfKey: false);
        Assert.Equal("policy_too_large", Assert.Throws<KmsException>(
            () => PolicyRules.Check([.. Enumerable.Repeat(_good, 101)], isOfKey: false)).Code);
    }

    [Fact]
    public void Check_RefusesMoreThan32KiB()
    {
        // 100 characters, two quotation marks and a comma each.
        static PolicyStatement Of(int patterns) => _good with { Keys = [.. Enumerable.Repeat(new string('a', 100), patterns)] };
        PolicyRules.Check([Of(316)], isOfKey: false);
        Assert.Equal("policy_too_large", Assert.Throws<KmsException>(() => PolicyRules.Check([Of(320)], isOfKey: false)).Code);
    }

    [Fact]
    public void BuiltIns_AreGoodPolicies_AndCannotBeChanged() => Assert.All(BuiltInPolicies.All, builtIn =>
    {
        PolicyRules.CheckName(builtIn.Key);
        PolicyRules.Check(builtIn.Value.Statements, isOfKey: false);
        Assert.Equal("conflict", Assert.Throws<KmsException>(() => PolicyRules.CheckMayChange(builtIn.Key)).Code);
    });

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData(".hidden")]
    [InlineData(null)]
    public void CheckName_RefusesWhatIsNoName(string? name) =>
        Assert.Equal("invalid_parameter", Assert.Throws<KmsException>(() => PolicyRules.CheckName(name)).Code);
}

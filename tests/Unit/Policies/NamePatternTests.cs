namespace OrleansKms.Tests.Unit.Policies;

/// <summary>What a pattern matches, and that nothing in one can make matching slow.</summary>
public sealed class NamePatternTests
{
    private const int Decisions = 10_000;

    /// <summary>Patterns on which a matcher that tries every star at every place takes a power of the name's length.</summary>
    public static TheoryData<string> Slow => new(["*a*a*a*b", "*a*a*a*a*a*a*a*a*", "**", "a**", "*a", "a*a", "?", "a?*", "(a+)+*", "[a-z]*"]);

    /// <summary>
    /// Every pattern and every name of up to five characters: one star at the end stands for any rest, and any other character, a star too,
    /// for itself. So a match is one comparison, whose steps are at most the pattern's characters: there is nothing to go back to.
    /// </summary>
    [Fact]
    public void Pattern_IsANameOrAPrefix_AndAStarElsewhereStandsForItself()
    {
        var names = Texts("ab*", 5);
        foreach (var pattern in names)
        {
            var compiled = new NamePattern(pattern);
            foreach (var name in names)
            {
                var expected = pattern is [.. var prefix, '*'] ? name.StartsWith(prefix, StringComparison.Ordinal) : name == pattern;
                if (compiled.Matches(name) != expected) Assert.Fail($"'{pattern}' matches '{name}': {!expected}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Slow))]
    public void Pattern_WithAnythingElseThanAStarAtItsEnd_IsRefused(string pattern)
    {
        var statement = new PolicyStatement(PolicyEffect.Allow, ["use"], [pattern]);
        Assert.Equal("invalid_parameter", Assert.Throws<KmsException>(() => PolicyRules.Check([statement], isOfKey: false)).Code);
    }

    /// <summary>
    /// A policy as large as one may be, of patterns that differ from each name in their last character only, decided for keys of which none
    /// is remembered: each decision is one pass over the patterns, so that all of them end in a moment.
    /// </summary>
    [Fact]
    public void Policy_OfTheMaximumSize_DecidesForTenThousandKeys()
    {
        var longest = new string('a', KmsLimits.IdLength - 5);
        var pattern = longest[..^1] + "b*";
        PolicyStatement statement = new(PolicyEffect.Allow, ["use"], [.. Enumerable.Repeat(pattern, KmsLimits.PolicyBytes / (pattern.Length + 4))]);
        PolicyRules.Check([statement], isOfKey: false);
        var policies = CompiledPolicies.Of([new("largest", [statement])]);
        for (var i = 0; i < Decisions; i++)
        {
            var key = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{longest}{i:00000}");
            Assert.Equal(AccessDecision.Denied, policies.Decide(KmsOperation.Encrypt, key, default));
        }

        Assert.Equal(AccessDecision.Allowed, policies.Decide(KmsOperation.Encrypt, longest[..^1] + "b", default));
    }

    private static List<string> Texts(string characters, int length)
    {
        List<string> all = [""];
        for (var i = 0; all[i].Length < length; i++) all.AddRange([.. characters.Select(next => all[i] + next)]);
        return all;
    }
}

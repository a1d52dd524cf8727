using System.Net;
using System.Text;
using CsCheck;

namespace OrleansKms.Tests.Unit.Policies;

/// <summary>The evaluator against <see cref="PolicyOracle"/>, over random policies.</summary>
public sealed class PolicyOracleTests
{
    private const int Policies = 10_000;
    private const int CallsOfEach = 20;

    [Fact]
    public void PoliciesOfPrincipals_DecideAsTheOracleDoes() => Compare(RandomPolicies.OfPrincipal, isOfKey: false);

    [Fact]
    public void PoliciesOfKeys_DecideAsTheOracleDoes() => Compare(RandomPolicies.OfKey, isOfKey: true);

    private static void Compare(Gen<Policy[]> policies, bool isOfKey)
    {
        var (allowed, denied) = (0, 0);
        Gen.Select(policies, RandomPolicies.Request.Array[CallsOfEach]).Sample((policies, requests) =>
        {
            foreach (var policy in policies) PolicyRules.Check(policy.Statements.Where(IsPossible).ToArray(), isOfKey);
            var compiled = isOfKey ? CompiledPolicies.OfKey(policies[0]) : CompiledPolicies.Of(policies);
            return requests.All(request =>
            {
                var expected = PolicyOracle.Allows(policies, request, isOfKey);
                Interlocked.Increment(ref expected ? ref allowed : ref denied);
                return AgreesWith(compiled, request, expected);
            });
        }, iter: Policies);

        // Neither answer is so rare that an evaluator which never gives it would pass.
        Assert.InRange(allowed, Policies * CallsOfEach / 50, int.MaxValue);
        Assert.InRange(denied, Policies * CallsOfEach / 50, int.MaxValue);
    }

    // With everything known the decision is the oracle's; with less known it is that or open, and open only for the missing part.
    private static bool AgreesWith(CompiledPolicies compiled, PolicyOracle.Request request, bool expected)
    {
        var right = expected ? AccessDecision.Allowed : AccessDecision.Denied;
        var early = new AccessContext { Now = request.Now, Source = IPAddress.Parse(request.Source), Principal = request.Principal };
        var withKey = early with { Key = new(request.Spec, request.Protection) };
        var data = request.AssociatedData is { } text ? Encoding.ASCII.GetBytes(text) : null;
        var explained = compiled.Explain(request.Operation, request.Key, withKey.With(data, request.Kind));
        return compiled.Decide(request.Operation, request.Key, withKey.With(data, request.Kind)) == right
            && (compiled.Decide(request.Operation, request.Key, withKey) is var first && (first == right || first == AccessDecision.DependsOnMessage))
            && (compiled.Decide(request.Operation, request.Key, early.With(data, request.Kind)) is var second && (second == right || second == AccessDecision.DependsOnKey))
            && (compiled.Decide(request.Operation, request.Key, early) is var third && (third == right || third is AccessDecision.DependsOnKey or AccessDecision.DependsOnMessage))
            && (!expected || (compiled.MayAllowSome(request.Operation, early) && !compiled.DeniesEvery(request.Operation, early)))
            && (expected || !compiled.AllowsEvery(request.Operation, withKey.With(data, request.Kind)))
            && Array.TrueForAll(explained, statement => statement.Effect == (expected ? PolicyEffect.Allow : PolicyEffect.Deny));
    }

    // One that ends before it begins is never stored, but decided on all the same.
    private static bool IsPossible(PolicyStatement statement) => !(statement.When?.NotAfter < statement.When?.NotBefore);
}

using System.Net;

namespace OrleansKms.Tests.Fuzz;

/// <summary>
/// Targets: <see cref="PolicyRules"/> and <see cref="CompiledPolicies"/>. Whatever a message can hold is refused in one of two ways or
/// can be compiled and decided by, and a decision is allowed only where a statement allows.
/// </summary>
public class PolicyFuzz
{
    private static readonly string?[] _odd = [null, "", " ", "*", "**", "a*b", "keys:*", "*:encrypt", "\u4e2d", "../x", new('a', 200), "alias:x", "10.0.0.1"];

    [Fact]
    public void Statements_Hostile_AreRefusedOrDecideWithoutFail()
    {
        var actions = new HostileText([.. KmsOperation.All.Keys, "use", "manage", "export", "audit", "admin", "*"]);
        var keys = new HostileText("payments.eu", "payments.*", "*", "a", "payments.eu.cards*");
        var networks = new HostileText("10.0.0.0/8", "2001:db8::/32", "0.0.0.0/0", "::/0");
        var random = new HostileBytes(HostileBytes.Seed);
        KmsOperation[] operations = [.. KmsOperation.All.Values];
        var (taken, allowed) = (0, 0);
        for (var round = 0; round < HostileBytes.Rounds; round++)
        {
            var isOfKey = random.Next(2) == 0;
            PolicyStatement?[] statements = [.. Enumerable.Range(0, random.Next(4)).Select(_ => Statement(random, actions, keys, networks))];
            try
            {
                PolicyRules.Check(statements, isOfKey);
            }
            catch (KmsException e) when (e.Error == KmsError.InvalidParameter || e.Error == KmsError.PolicyTooLarge)
            {
                continue;
            }

            taken++;
            var policy = new Policy("fuzzed", statements!);
            var compiled = isOfKey ? CompiledPolicies.OfKey(policy) : CompiledPolicies.Of([policy]);
            var context = new AccessContext
            {
                Now = DateTimeOffset.UnixEpoch,
                Source = random.Next(3) == 0 ? null : new IPAddress([10, 0, 0, 1]),
                Principal = "alice",
                HasMessage = true,
            };
            var decision = compiled.Decide(operations[random.Next(operations.Length)], random.Next(2) == 0 ? null : "payments.eu", context);
            var mayAllow = Array.Exists(statements, s => s!.Effect == PolicyEffect.Allow) || isOfKey;
            Assert.True(decision != AccessDecision.Allowed || mayAllow, $"seed {HostileBytes.Seed}, round {round}: allowed by nothing");
            allowed += decision == AccessDecision.Allowed ? 1 : 0;
        }

        // Otherwise the statements are too hostile, or too tame, to test anything.
        Assert.InRange(taken, HostileBytes.Rounds / 20, HostileBytes.Rounds * 19 / 20);
        Assert.InRange(allowed, 100, taken);
    }

    private static PolicyStatement? Statement(HostileBytes random, HostileText actions, HostileText keys, HostileText networks)
    {
        if (random.Next(50) == 0) return null;
        var when = random.Next(3) > 0 ? null : new PolicyConditions
        {
            Source = random.Next(2) == 0 ? null : Texts(random, networks, ["10.0.0.0/8", "::/0"]),
            NotBefore = random.Next(4) == 0 ? DateTimeOffset.MinValue : null,
            NotAfter = random.Next(4) == 0 ? DateTimeOffset.MaxValue : null,
            AssociatedDataPrefix = random.Next(4) == 0 ? random.Random(40) : null,
            Specs = random.Next(4) == 0 ? Texts(random, keys, ["AES_256_GCM"]) : null,
        };
        return new(
            (PolicyEffect)random.Next(random.Next(20) == 0 ? 9 : 3),
            Texts(random, actions, ["*", "use", "keys:encrypt"]),
            Texts(random, keys, ["*", "payments.*", "payments.eu"]))
        {
            Principals = random.Next(4) == 0 ? Texts(random, keys, ["*", "alice"]) : null,
            When = when,
        };
    }

    /// <summary>Mostly good texts, some hostile ones, and now and then what nobody would write.</summary>
    private static string[] Texts(HostileBytes random, HostileText hostile, string[] good)
    {
        var texts = new string[random.Next(random.Next(20) == 0 ? 1 : 4)];
        for (var i = 0; i < texts.Length; i++)
        {
            texts[i] = random.Next(12) switch
            {
                0 => hostile.Next(),
                1 when random.Next(3) == 0 => _odd[random.Next(_odd.Length)]!,
                _ => good[random.Next(good.Length)],
            };
        }

        return texts;
    }
}

using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace OrleansKms.Gateway.Limits;

/// <summary>The limits of principals and namespaces that this gateway's requests have met.</summary>
internal sealed class SharedLimits(Func<string, ReserveUses, Task<ReservedUses?>> reserve, NamespaceRules namespaces, TimeProvider time)
{
    /// <summary>The maximum number of entries. When it is reached, all are dropped; their grains still know the counts.</summary>
    private const int MaxKept = 10_000;

    private readonly ConcurrentDictionary<(string Kind, string Name, LimitRule Rule), SharedLimit> _kept = new();

    /// <summary>Counts uses against every limit that applies. A request must be within all of them.</summary>
    /// <param name="principal">The caller.</param>
    /// <param name="rules">The principal's limits.</param>
    /// <param name="operation">The requested operation.</param>
    /// <param name="keyId">The key; null for none.</param>
    /// <param name="uses">How many.</param>
    /// <exception cref="KmsException">rate_limited, overloaded.</exception>
    public ValueTask Take(string principal, IReadOnlyList<LimitRule> rules, KmsOperation operation, string? keyId, long uses)
    {
        if (uses < 1 || (rules.Count == 0 && (namespaces.IsEmpty || keyId is null))) return ValueTask.CompletedTask;
        var taken = Walk(principal, rules, operation, keyId, uses, null);
        return taken < 0 ? ValueTask.CompletedTask : new(TakeSlowly(principal, rules, operation, keyId, uses, taken));
    }

    /// <summary>Takes from each limit in turn, or only lists them.</summary>
    /// <returns>How many granted the uses before the first that did not; -1 if all did.</returns>
    private int Walk(
        string principal, IReadOnlyList<LimitRule> rules, KmsOperation operation, string? keyId, long uses, List<SharedLimit>? listed)
    {
        var taken = 0;
        for (var i = 0; i < rules.Count; i++)
        {
            if (!Visit("principal ", principal, rules[i])) return taken;
        }

        for (var dot = keyId?.LastIndexOf('.') ?? -1; dot > 0; dot = keyId!.LastIndexOf('.', dot - 1))
        {
            if (namespaces.Of(keyId.AsSpan(0, dot)) is not { } limited) continue;
            foreach (var rule in limited.Limits)
            {
                if (!Visit("namespace ", limited.Prefix, rule)) return taken;
            }
        }

        return -1;

        bool Visit(string kind, string name, LimitRule rule)
        {
            if (!LimitRules.Counts(rule.Of, operation)) return true;
            var limit = Find(kind, name, rule);
            listed?.Add(limit);
            if (listed is null && !limit.TryTake(uses)) return false;
            taken++;
            return true;
        }
    }

    /// <summary>Returns uses to every limit that they were counted against.</summary>
    public void GiveBack(string principal, IReadOnlyList<LimitRule> rules, KmsOperation operation, string? keyId, long uses)
    {
        var limits = new List<SharedLimit>();
        Walk(principal, rules, operation, keyId, uses, limits);
        foreach (var limit in limits) limit.GiveBack(uses);
    }

    private async Task TakeSlowly(
        string principal, IReadOnlyList<LimitRule> rules, KmsOperation operation, string? keyId, long uses, int taken)
    {
        var limits = new List<SharedLimit>();
        Walk(principal, rules, operation, keyId, uses, limits);
        try
        {
            for (; taken < limits.Count; taken++) await limits[taken].Take(uses);
        }
        catch (KmsException)
        {
            // A request refused by one limit counts towards none.
            for (var i = 0; i < taken; i++) limits[i].GiveBack(uses);
            throw;
        }
    }

    private SharedLimit Find(string kind, string name, LimitRule rule) =>
        _kept.TryGetValue((kind, name, rule), out var known) ? known : Add(kind, name, rule);

    // Separate, so that a limit that is known costs no closure.
    private SharedLimit Add(string kind, string name, LimitRule rule)
    {
        if (_kept.Count >= MaxKept) _kept.Clear();
        var subject = kind + name;
        var key = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{subject}\n{rule.Of}\n{rule.Per.Ticks}")));
        return _kept[(kind, name, rule)] = new(subject, rule, request => reserve(key, request), time);
    }
}

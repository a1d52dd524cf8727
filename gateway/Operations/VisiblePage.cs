namespace OrleansKms.Gateway.Operations;

/// <summary>
/// A page of a list in which the caller may not see everything. It ends behind a name that the caller may see, so that no cursor tells
/// another; ranges that the caller's policies allow or deny as a whole are gone to or passed over without looking at what is in them.
/// </summary>
internal static class VisiblePage
{
    // No id is longer, and none is greater with the same beginning.
    private static readonly string _last = new('z', KmsLimits.IdLength);

    /// <summary>Reads one page of names from the storage's index.</summary>
    public delegate Task<DirectoryPage> Reading(string prefix, string? after, int limit);

    /// <summary>Collects a page.</summary>
    /// <param name="call">The request.</param>
    /// <param name="prefixes">The beginnings that names on the page can have, in order, none of which begins with another.</param>
    /// <param name="after">The name behind which the page begins; null for the start.</param>
    /// <param name="limit">How many names it has at most.</param>
    /// <param name="read">Reads from the index.</param>
    /// <param name="look">What is shown of each name; null for what the caller may not see.</param>
    /// <param name="passOver">A prefix of a hidden name below which everything is hidden, or null.</param>
    /// <exception cref="TimeoutException">So much lies between that nothing was found in time.</exception>
    public static async Task<(List<T> Shown, bool HasMore)> Collect<T>(
        Call call, IEnumerable<string> prefixes, string? after, int limit, Reading read, Func<string[], Task<T?[]>> look,
        Func<string, string?> passOver)
        where T : class
    {
        var shown = new List<T>();
        var half = call.Remaining / 2;
        foreach (var prefix in prefixes.Where(prefix => !IsBehind(after, prefix)))
        {
            for (var (at, hasMore) = (after, true); hasMore;)
            {
                var page = await read(prefix, at, Math.Min(limit - shown.Count + 1, KmsLimits.PageItems));
                foreach (var one in await look(page.Ids))
                {
                    if (one is null) continue;
                    if (shown.Count == limit) return (shown, true);
                    shown.Add(one);
                }

                hasMore = page.HasMore;
                if (!hasMore) break;
                at = passOver(page.Ids[^1]) is { } hidden ? EndOf(hidden) : page.Ids[^1];
                if (call.Remaining < half) return shown.Count > 0 ? (shown, true) : throw new TimeoutException();
            }
        }

        return (shown, false);
    }

    /// <summary>
    /// The beginnings that keys can have for which an operation may be allowed and that begin with a prefix: in order, and none of them
    /// within another.
    /// </summary>
    public static List<string> PrefixesOf(CompiledPolicies policies, KmsOperation operation, string prefix)
    {
        var allowing = policies.StatementsOf(operation).Where(statement => statement.Effect == PolicyEffect.Allow).ToList();
        if (allowing.Exists(statement => statement.MatchesEveryKey)) return [prefix];
        var found = new List<string>();
        foreach (var text in allowing.SelectMany(statement => statement.Keys).Select(key => key.Text).Order(StringComparer.Ordinal))
        {
            if (prefix.StartsWith(text, StringComparison.Ordinal)) return [prefix];
            if (!text.StartsWith(prefix, StringComparison.Ordinal)) continue;
            if (found.Count == 0 || !text.StartsWith(found[^1], StringComparison.Ordinal)) found.Add(text);
        }

        return found;
    }

    /// <summary>The shortest prefix of a key's id for which the operation is denied without a condition; null for none.</summary>
    public static string? DeniedPrefixOf(CompiledPolicies policies, KmsOperation operation, string keyId) => policies.StatementsOf(operation)
        .Where(statement => statement is { Effect: PolicyEffect.Deny, IsConditional: false })
        .SelectMany(statement => statement.Keys)
        .Where(key => key.IsPrefix && key.Matches(keyId))
        .Select(key => key.Text)
        .MinBy(text => text.Length);

    // Names after this one do not begin with the prefix any more.
    private static bool IsBehind(string? after, string prefix) =>
        after is not null && string.CompareOrdinal(after, prefix) > 0 && !after.StartsWith(prefix, StringComparison.Ordinal);

    private static string EndOf(string prefix) => prefix + _last[prefix.Length..];
}

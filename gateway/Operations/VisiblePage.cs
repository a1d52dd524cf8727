namespace OrleansKms.Gateway.Operations;

/// <summary>
/// A page of a list of which the caller may see only part. It ends after a name that the caller may see, so that no cursor reveals another.
/// Ranges that the caller's policies allow or deny as a whole are read or skipped without looking at each name.
/// </summary>
internal static class VisiblePage
{
    // No id is longer, and none with the same prefix sorts later.
    private static readonly string _last = new('z', KmsLimits.IdLength);

    /// <summary>Reads one page of names from the storage's index.</summary>
    public delegate Task<DirectoryPage> Reading(string prefix, string? after, int limit);

    /// <summary>Collects a page.</summary>
    /// <param name="call">The request.</param>
    /// <param name="prefixes">The prefixes that names on the page can have, in order; none begins with another.</param>
    /// <param name="after">The name after which the page begins; null for the start.</param>
    /// <param name="limit">The maximum number of names.</param>
    /// <param name="read">Reads from the index.</param>
    /// <param name="look">Returns what to show of each name; null for what the caller may not see.</param>
    /// <param name="passOver">Returns a prefix of a hidden name under which everything is hidden, or null.</param>
    /// <exception cref="TimeoutException">Nothing visible was found in time.</exception>
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
    /// The prefixes, within a given one, of the keys for which an operation may be allowed: in order, and none of them within another.
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

    /// <summary>The shortest prefix of a key's id for which the operation is denied unconditionally; null for none.</summary>
    public static string? DeniedPrefixOf(CompiledPolicies policies, KmsOperation operation, string keyId) => policies.StatementsOf(operation)
        .Where(statement => statement is { Effect: PolicyEffect.Deny, IsConditional: false })
        .SelectMany(statement => statement.Keys)
        .Where(key => key.IsPrefix && key.Matches(keyId))
        .Select(key => key.Text)
        .MinBy(text => text.Length);

    // Names after this one no longer begin with the prefix.
    private static bool IsBehind(string? after, string prefix) =>
        after is not null && string.CompareOrdinal(after, prefix) > 0 && !after.StartsWith(prefix, StringComparison.Ordinal);

    private static string EndOf(string prefix) => prefix + _last[prefix.Length..];
}

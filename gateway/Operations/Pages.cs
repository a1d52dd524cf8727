namespace OrleansKms.Gateway.Operations;

/// <summary>Pages of names, in order.</summary>
internal static class Pages
{
    /// <summary>One page of key ids: of those for which the operation that lists them is allowed.</summary>
    public static async Task<DirectoryPage> OfKeys(Call call, string prefix, string? after, int limit, bool destroyed, KmsOperation? listing = null)
    {
        listing ??= KmsOperation.ListKeys;
        if (call.IsAllowedAnywhere(listing)) return await Read(prefix, after, limit);
        var policies = call.Principal!.Compiled;
        var (shown, hasMore) = await VisiblePage.Collect(
            call, VisiblePage.PrefixesOf(policies, listing, prefix), after, limit, Read,
            ids => Task.WhenAll(ids.Select(async id => await call.MaySee(listing, id) ? id : null)),
            id => VisiblePage.DeniedPrefixOf(policies, listing, id));
        return new([.. shown], hasMore);

        Task<DirectoryPage> Read(string prefix, string? after, int limit) =>
            Directory(call).ListKeys(new(call.Caller, prefix, after, limit, destroyed));
    }

    /// <summary>One page of aliases: those whose key the caller may see.</summary>
    /// <param name="call">The request.</param>
    /// <param name="prefix">The prefix of their names.</param>
    /// <param name="after">The name after which the page begins.</param>
    /// <param name="limit">The maximum number.</param>
    /// <param name="show">Returns what to show of an alias, or null for nothing.</param>
    public static Task<(List<T> Shown, bool HasMore)> OfAliases<T>(
        Call call, string prefix, string? after, int limit, Func<string, Task<T?>> show)
        where T : class => VisiblePage.Collect(
            call, [prefix], after, limit,
            (prefix, after, limit) => Directory(call).ListAliases(new(call.Caller, prefix, after, limit, IncludeDestroyed: false)),
            names => Task.WhenAll(names.Select(show)),
            _ => null);

    /// <summary>
    /// Describes a key of a page, with the whole deadline to itself: a key that cannot be described must not hide the others.
    /// </summary>
    public static async Task<KeyDescription> Describe(Call call, string id)
    {
        await call.ResolveKey(id, KmsOperation.DescribeKey);
        return await call.Within(call.Key(id).Describe(new(call.Caller)));
    }

    private static IDirectoryGrain Directory(Call call) => call.Services.Grains.GetGrain<IDirectoryGrain>(IDirectoryGrain.Key);
}

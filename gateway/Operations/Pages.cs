namespace OrleansKms.Gateway.Operations;

/// <summary>Pages of names, in their order.</summary>
internal static class Pages
{
    /// <summary>One page of key ids.</summary>
    public static Task<DirectoryPage> OfKeys(Call call, string prefix, string? after, int limit, bool destroyed) =>
        Directory(call).ListKeys(new(call.Caller, prefix, after, limit, destroyed));

    /// <summary>One page of alias names.</summary>
    public static Task<DirectoryPage> OfAliases(Call call, string prefix, string? after, int limit) =>
        Directory(call).ListAliases(new(call.Caller, prefix, after, limit, IncludeDestroyed: false));

    /// <summary>
    /// Describes a key of a page, with the whole deadline to itself: one that cannot be described must not hide the others.
    /// </summary>
    public static async Task<KeyDescription> Describe(Call call, string id)
    {
        await call.ResolveKey(id, KmsOperation.DescribeKey);
        return await call.Within(call.Key(id).Describe(new(call.Caller)));
    }

    private static IDirectoryGrain Directory(Call call) => call.Services.Grains.GetGrain<IDirectoryGrain>(IDirectoryGrain.Key);
}

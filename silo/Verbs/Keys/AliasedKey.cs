namespace OrleansKms.Silo.Verbs.Keys;

/// <summary>Ids behind aliases, for what takes ids alone.</summary>
internal static class AliasedKey
{
    /// <summary>The id of a key that may be given by an alias; null stays null.</summary>
    /// <exception cref="VerbException">There is no such alias, or the caller may not ask.</exception>
    public static async Task<string?> Find(VerbRun run, string? key) => key is null ? null : await Resolve(run, key);

    /// <inheritdoc cref="Find"/>
    public static async Task<string> Resolve(VerbRun run, string key) => key.StartsWith(KeyId.AliasPrefix, StringComparison.Ordinal)
        ? (await run.Ask(ServiceCall.Get(ServiceCall.Of($"v1/aliases/{key[KeyId.AliasPrefix.Length..]}")))).Json.Text("key_id") ?? key
        : key;
}

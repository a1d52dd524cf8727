namespace OrleansKms.Gateway.Rest.Keys;

/// <summary>
/// The descriptions of a page of keys. A key may have 50,000 versions, and a page a thousand keys; so a few keys are asked at a
/// time, and the page ends when it gets large, or the request late. The next page begins after it, so nothing is left out.
/// </summary>
internal static class DescribedPage
{
    /// <summary>How many keys are asked at a time; their descriptions are in memory together.</summary>
    public const int AtOnce = 8;

    /// <summary>About how many bytes of JSON a page has; more only if its first key alone has more.</summary>
    public const int Bytes = 2 << 20;

    private const int BytesOfAKey = 600;
    private const int BytesOfAVersion = 110;

    /// <summary>Describes keys in their order.</summary>
    /// <param name="ids">The keys.</param>
    /// <param name="describe">Asks one key.</param>
    /// <param name="isLate">Whether to stop asking.</param>
    /// <returns>The first of them: at least one, if there is any.</returns>
    public static async Task<List<ListedKey>> Collect(IReadOnlyList<string> ids, Func<string, Task<ListedKey>> describe, Func<bool> isLate)
    {
        var keys = new List<ListedKey>();
        var size = 0L;
        foreach (var some in ids.Chunk(AtOnce))
        {
            foreach (var key in await Task.WhenAll(some.Select(describe)))
            {
                size += SizeOf(key);
                if (size > Bytes && keys.Count > 0) return keys;
                keys.Add(key);
            }

            if (isLate()) return keys;
        }

        return keys;
    }

    private static long SizeOf(ListedKey key) => key.Key is not { } answer
        ? BytesOfAKey
        : BytesOfAKey + (answer.Versions.Length * (long)BytesOfAVersion) + (answer.Description?.Length ?? 0)
            + answer.Tags.Sum(tag => tag.Key.Length + tag.Value.Length + 6L);
}

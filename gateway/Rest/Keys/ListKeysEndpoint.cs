using System.Text.Json.Serialization;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Keys;

/// <summary>One page of keys, in the order of their ids.</summary>
internal sealed class ListKeysAnswer : PageAnswer
{
    /// <summary>The keys.</summary>
    public required ListedKey[] Keys { get; init; }
}

/// <summary>
/// A key in a list: its id alone or, with <c>describe=true</c>, everything that <c>GET /v1/keys/{id}</c> returns.
/// </summary>
[JsonConverter(typeof(ListedKeyConverter))]
internal sealed record ListedKey(string Id, KeyAnswer? Key, ErrorAnswer? Error);

/// <summary>Lists keys.</summary>
internal static class ListKeysEndpoint
{
    public static readonly QueryParameter[] Parameters =
    [
        new("prefix", "string", "Only ids that begin with this."),
        QueryParameter.Limit("Keys", " With describe=true a large page ends early: continue with next_cursor."),
        QueryParameter.Cursor,
        new("describe", "boolean", "Whether to describe each key; only its id is listed by default."),
        new("destroyed", "boolean", "Whether to list destroyed keys too; false by default."),
    ];

    public static async Task Handle(RestExchange exchange)
    {
        var query = new Query(exchange);
        var (prefix, limit, destroyed, describe) = (query.Prefix(), query.Limit(), query.Flag("destroyed"), query.Flag("describe"));
        var list = $"keys {prefix} {destroyed}";
        var after = Cursor.Read(list, query.Text("cursor"));
        var page = await Pages.OfKeys(exchange, prefix, after, limit, destroyed);
        var keys = describe ? await DescribeAll(exchange, page.Ids) : Array.ConvertAll(page.Ids, id => new ListedKey(id, null, null));
        var goesOn = page.HasMore || keys.Length < page.Ids.Length;
        await exchange.Answer(
            new ListKeysAnswer { Keys = keys, NextCursor = goesOn ? Cursor.After(list, keys[^1].Id) : null },
            RestJson.Default.ListKeysAnswer);
    }

    private static async Task<ListedKey[]> DescribeAll(RestExchange exchange, string[] ids)
    {
        // The descriptions, and the answer made from them.
        exchange.Hold(2 * DescribedPage.Bytes);
        var half = exchange.Remaining / 2;
        return [.. await DescribedPage.Collect(ids, id => Describe(exchange, id), () => exchange.Remaining < half)];
    }

    // One key that cannot be described must not hide the others, so each has the whole deadline to itself.
    private static async Task<ListedKey> Describe(RestExchange exchange, string id)
    {
        try
        {
            return new ListedKey(id, KeyAnswer.Of(await Pages.Describe(exchange, id)), null);
        }
        catch (Exception e)
        {
            return new ListedKey(id, null, ErrorAnswer.Of(await exchange.FailureOf(e, KmsOperation.DescribeKey, id)));
        }
    }
}

using System.Text.Json.Serialization;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Aliases;

/// <summary>One page of aliases, in the order of their names.</summary>
internal sealed class ListAliasesAnswer : PageAnswer
{
    /// <summary>The aliases.</summary>
    public required ListedAlias[] Aliases { get; init; }
}

/// <summary>An alias in a list: everything that <c>GET /v1/aliases/{name}</c> returns, or its name and an error.</summary>
[JsonConverter(typeof(ListedAliasConverter))]
internal sealed record ListedAlias(string Name, AliasAnswer? Alias, ErrorAnswer? Error);

/// <summary>Lists aliases.</summary>
internal static class ListAliasesEndpoint
{
    public static readonly QueryParameter[] Parameters =
    [
        new("prefix", "string", "Only names that begin with this."),
        QueryParameter.Limit("Aliases"),
        QueryParameter.Cursor,
    ];

    public static async Task Handle(RestExchange exchange)
    {
        var query = new Query(exchange);
        var (prefix, limit) = (query.Prefix(), query.Limit());
        var list = $"aliases {prefix}";
        var after = Cursor.Read(list, query.Text("cursor"));
        var (shown, hasMore) = await Pages.OfAliases(exchange, prefix, after, limit, name => Describe(exchange, name));
        await exchange.Answer(
            new ListAliasesAnswer { Aliases = [.. shown], NextCursor = hasMore ? Cursor.After(list, shown[^1].Name) : null },
            RestJson.Default.ListAliasesAnswer);
    }

    // One alias that cannot be described must not hide the others, so each has the whole deadline to itself. One that was removed
    // since the page was read is left out.
    private static async Task<ListedAlias?> Describe(RestExchange exchange, string name)
    {
        try
        {
            var alias = await exchange.Within(AliasCommands.Describe(exchange, name, isStep: true).AsTask());
            return await exchange.MaySee(KmsOperation.ListAliases, alias.KeyId) ? new ListedAlias(name, AliasAnswer.Of(alias), null) : null;
        }
        catch (KmsException e) when (e.Error == KmsError.AliasNotFound)
        {
            return null;
        }
        catch (Exception e)
        {
            // Its key is unknown, so show it only to callers who may see every key.
            var error = ErrorAnswer.Of(await exchange.FailureOf(e, KmsOperation.DescribeAlias, keyId: null));
            return exchange.IsAllowedAnywhere(KmsOperation.ListAliases) ? new ListedAlias(name, null, error) : null;
        }
    }
}

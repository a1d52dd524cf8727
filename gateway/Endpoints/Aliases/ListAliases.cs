using OrleansKms.Gateway.Http;
using OrleansKms.Gateway.Json;
using OrleansKms.Gateway.Security;

namespace OrleansKms.Gateway.Endpoints.Aliases;

/// <summary>One page of aliases, in the order of their names.</summary>
internal sealed class ListAliasesAnswer : PageAnswer
{
    /// <summary>The aliases.</summary>
    public required AliasAnswer[] Aliases { get; init; }
}

/// <summary>Lists aliases.</summary>
internal static class ListAliasesEndpoint
{
    public static readonly QueryParameter[] Parameters =
    [
        new("prefix", "string", "Only names that begin so."),
        new("limit", "integer", "Aliases on a page, 1 to 1000; by default 100."),
        new("cursor", "string", "The next_cursor of the page before."),
    ];

    public static async Task Handle(Exchange exchange)
    {
        exchange.Authorize(KmsAction.ListAliases);
        var query = new Query(exchange);
        var (prefix, limit) = (query.Prefix(), query.Limit());
        var list = $"aliases {prefix}";
        var after = Cursor.Read(list, query.Text("cursor"));
        var page = await exchange.Services.Grains.GetGrain<IDirectoryGrain>(IDirectoryGrain.Key)
            .ListAliases(new DirectoryQuery(exchange.Caller, prefix, after, limit, IncludeDestroyed: false));
        var aliases = await exchange.Within(Task.WhenAll(page.Ids.Select(name => Describe(exchange, name))));
        await exchange.Answer(
            new ListAliasesAnswer
            {
                Aliases = [.. aliases.OfType<AliasAnswer>()],
                NextCursor = page.HasMore ? Cursor.After(list, page.Ids[^1]) : null,
            },
            GatewayJson.Default.ListAliasesAnswer);
    }

    // One that was removed since the page was read is simply not there any more.
    private static async Task<AliasAnswer?> Describe(Exchange exchange, string name)
    {
        try
        {
            return AliasAnswer.Of(await AliasInRoute.Grain(exchange, name).Resolve(new AliasCommand(exchange.Caller)));
        }
        catch (KmsException e) when (e.Error == KmsError.AliasNotFound)
        {
            return null;
        }
    }
}

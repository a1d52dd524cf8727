using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Access;

/// <summary>One page of principals, in the order of their names.</summary>
internal sealed class ListPrincipalsAnswer : PageAnswer
{
    /// <summary>The principals.</summary>
    public required PrincipalAnswer[] Principals { get; init; }
}

/// <summary>Lists principals.</summary>
internal static class ListPrincipalsEndpoint
{
    public static readonly QueryParameter[] Parameters =
    [
        new("prefix", "string", "Only names that begin with this."),
        QueryParameter.Limit("Principals"),
        QueryParameter.Cursor,
    ];

    public static async Task Handle(RestExchange exchange)
    {
        var query = new Query(exchange);
        var prefix = query.Text("prefix") ?? "";
        if (!PrincipalName.IsValidPrefix(prefix)) throw KmsError.InvalidParameter.Exception("'prefix' cannot be the beginning of a name.");
        var list = $"principals {prefix}";
        var after = Cursor.Read(list, query.Text("cursor"), static name => PrincipalName.IsValid(name));
        var page = await PrincipalCommands.List(exchange, prefix, after, query.Limit());
        await exchange.Answer(
            new ListPrincipalsAnswer
            {
                Principals = Array.ConvertAll(page.Principals, PrincipalAnswer.Of),
                NextCursor = page is { HasMore: true, Principals: [.., var last] } ? Cursor.After(list, last.Name) : null,
            },
            RestJson.Default.ListPrincipalsAnswer);
    }
}

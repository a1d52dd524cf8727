using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Policies;

/// <summary>A policy with its name.</summary>
internal sealed class PolicyAnswer
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Its statements.</summary>
    public required PolicyStatementBody[] Statements { get; init; }

    public static PolicyAnswer Of(Policy policy) => new()
    {
        Name = policy.Name,
        Statements = [.. policy.Statements.Select(PolicyStatementBody.Of)],
    };
}

/// <summary>One page of policies, in the order of their names.</summary>
internal sealed class ListPoliciesAnswer : PageAnswer
{
    /// <summary>The policies, including built-in ones.</summary>
    public required PolicyAnswer[] Policies { get; init; }
}

/// <summary>Policies by name.</summary>
internal static class PolicyEndpoints
{
    public static readonly QueryParameter[] Parameters =
    [
        new("prefix", "string", "Only names that begin with this."),
        QueryParameter.Limit("Policies"),
        QueryParameter.Cursor,
    ];

    public static async Task HandlePut(RestExchange exchange)
    {
        var name = Name(exchange);
        var body = await exchange.ReadJson(RestJson.Default.PolicyBody, KeyPolicyEndpoints.MaxBody);
        await Answer(exchange, PolicyCommands.Put(exchange, name, body.ToText(isOfKey: false)));
    }

    public static Task HandleGet(RestExchange exchange) => Answer(exchange, PolicyCommands.Describe(exchange, Name(exchange)));

    public static async Task HandleDelete(RestExchange exchange)
    {
        await PolicyCommands.Delete(exchange, Name(exchange));
        await exchange.AnswerNothing();
    }

    public static async Task HandleList(RestExchange exchange)
    {
        var query = new Query(exchange);
        var (prefix, limit) = (query.Prefix(), query.Limit());
        var list = $"policies {prefix}";
        var page = await PolicyCommands.List(exchange, prefix, Cursor.Read(list, query.Text("cursor")), limit);
        await exchange.Answer(
            new ListPoliciesAnswer
            {
                Policies = Array.ConvertAll(page.Policies, PolicyAnswer.Of),
                NextCursor = page.HasMore && page.Policies.Length > 0 ? Cursor.After(list, page.Policies[^1].Name) : null,
            },
            RestJson.Default.ListPoliciesAnswer);
    }

    private static async Task Answer(RestExchange exchange, Task<Policy> policy) =>
        await exchange.Answer(PolicyAnswer.Of(await policy), RestJson.Default.PolicyAnswer);

    private static string Name(RestExchange exchange)
    {
        var name = exchange.RouteValue("name");
        PolicyRules.CheckName(name);
        return name;
    }
}

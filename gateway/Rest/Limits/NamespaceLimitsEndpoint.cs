using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Limits;

/// <summary>The new limits of a namespace.</summary>
internal sealed class NamespaceLimitsBody
{
    /// <summary>Up to <see cref="KmsLimits.LimitRules"/> limits, which replace the old ones; empty removes them.</summary>
    public required LimitBody[] Limits { get; set; }
}

/// <summary>The limits of a namespace.</summary>
internal sealed class NamespaceLimitsAnswer
{
    /// <summary>The namespace: the part of its keys' ids before a dot.</summary>
    public required string Prefix { get; init; }

    /// <summary>Its limits.</summary>
    public required LimitBody[] Limits { get; init; }

    public static NamespaceLimitsAnswer Of(NamespaceLimits limits) =>
        new() { Prefix = limits.Prefix, Limits = LimitBody.FromRules(limits.Limits) ?? [] };
}

/// <summary>Sets, returns and removes the limits of a namespace.</summary>
internal static class NamespaceLimitsEndpoint
{
    public static async Task HandleSet(RestExchange exchange)
    {
        var prefix = Prefix(exchange);
        var body = await exchange.ReadJson(RestJson.Default.NamespaceLimitsBody, SizeLimits.ControlBody);
        var rules = LimitBody.ToRules(body.Limits)!;
        LimitRules.Check(rules);
        await Answer(exchange, await NamespaceCommands.Set(exchange, prefix, rules));
    }

    public static async Task HandleDescribe(RestExchange exchange) =>
        await Answer(exchange, await NamespaceCommands.Describe(exchange, Prefix(exchange)));

    public static async Task HandleRemove(RestExchange exchange)
    {
        await NamespaceCommands.Remove(exchange, Prefix(exchange));
        await exchange.AnswerNothing();
    }

    private static Task Answer(RestExchange exchange, NamespaceLimits limits) =>
        exchange.Answer(NamespaceLimitsAnswer.Of(limits), RestJson.Default.NamespaceLimitsAnswer);

    private static string Prefix(RestExchange exchange) => KeyId.IsValid(exchange.RouteValue("prefix"))
        ? exchange.RouteValue("prefix")
        : throw KmsError.InvalidParameter.Exception($"A namespace must be {KeyId.Rule}.");
}

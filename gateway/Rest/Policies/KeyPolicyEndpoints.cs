using System.Text.Json.Serialization;
using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Policies;

/// <summary>A key's own policy.</summary>
internal sealed class KeyPolicyAnswer
{
    /// <summary>The key.</summary>
    [JsonPropertyName("key_id")]
    public required string KeyId { get; init; }

    /// <summary>Its statements.</summary>
    public required PolicyStatementBody[] Statements { get; init; }

    public static KeyPolicyAnswer Of(string keyId, Policy policy) => new()
    {
        KeyId = keyId,
        Statements = [.. policy.Statements.Select(PolicyStatementBody.Of)],
    };
}

/// <summary>A key's own policy, which narrows what principals' policies allow.</summary>
internal static class KeyPolicyEndpoints
{
    /// <summary>The maximum body of a policy: with white space and escapes it is longer than what counts as its size.</summary>
    public const int MaxBody = 4 * SizeLimits.ControlBody;

    public static async Task HandlePut(RestExchange exchange)
    {
        var id = await exchange.RouteKey();
        var body = await exchange.ReadJson(RestJson.Default.PolicyBody, MaxBody);
        var policy = await PolicyCommands.SetOfKey(exchange, id, body.ToText(isOfKey: true));
        await exchange.Answer(KeyPolicyAnswer.Of(id, policy), RestJson.Default.KeyPolicyAnswer);
    }

    public static async Task HandleGet(RestExchange exchange)
    {
        var id = await exchange.RouteKey();
        var policy = await PolicyCommands.DescribeOfKey(exchange, id);
        await exchange.Answer(KeyPolicyAnswer.Of(id, policy), RestJson.Default.KeyPolicyAnswer);
    }

    public static async Task HandleDelete(RestExchange exchange)
    {
        var id = await exchange.RouteKey();
        await PolicyCommands.RemoveOfKey(exchange, id);
        await exchange.AnswerNothing();
    }
}

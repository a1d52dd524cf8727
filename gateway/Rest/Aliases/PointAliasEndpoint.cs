using System.Text.Json.Serialization;
using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Aliases;

/// <summary>The key that an alias is to stand for.</summary>
internal sealed class PointAliasBody
{
    /// <summary>The key: an id, or another alias, whose key it then is.</summary>
    [JsonPropertyName("key_id")]
    public required string KeyId { get; set; }
}

/// <summary>Creates an alias, or points it at another key.</summary>
internal static class PointAliasEndpoint
{
    public static async Task Handle(RestExchange exchange)
    {
        var name = AliasInRoute.Read(exchange);
        var body = await exchange.ReadJson(RestJson.Default.PointAliasBody, SizeLimits.ControlBody);
        var key = await exchange.FindKey(body.KeyId);
        await RequireMayMove(exchange, name);
        var alias = await AliasCommands.Point(exchange, name, key);
        await exchange.Answer(AliasAnswer.Of(alias), RestJson.Default.AliasAnswer);
    }

    // Whoever uses the alias gets another key by this: who moves it away from one must be allowed that, too.
    private static async Task RequireMayMove(RestExchange exchange, string name)
    {
        if (exchange.IsAllowedAnywhere(KmsOperation.PointAlias)) return;
        try
        {
            var alias = await AliasCommands.Describe(exchange, name, isStep: true);
            await exchange.AuthorizeKey(alias.KeyId, KmsOperation.PointAlias);
        }
        catch (KmsException e) when (e.Error == KmsError.AliasNotFound)
        {
            // It is new.
        }
    }
}

using System.Text.Json.Serialization;
using OrleansKms.Gateway.Limits;
using OrleansKms.Gateway.Operations;

namespace OrleansKms.Gateway.Rest.Aliases;

/// <summary>The key that the alias will stand for.</summary>
internal sealed class PointAliasBody
{
    /// <summary>The key: an id, or another alias, which is resolved now.</summary>
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

    // This gives the alias's users another key, so moving it away from one must be permitted, too.
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

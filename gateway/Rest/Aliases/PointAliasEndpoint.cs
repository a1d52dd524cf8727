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
        var alias = await AliasCommands.Point(exchange, name, await exchange.FindKey(body.KeyId));
        await exchange.Answer(AliasAnswer.Of(alias), RestJson.Default.AliasAnswer);
    }
}

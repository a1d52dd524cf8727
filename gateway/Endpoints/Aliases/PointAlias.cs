using System.Text.Json.Serialization;
using OrleansKms.Gateway.Http;
using OrleansKms.Gateway.Json;
using OrleansKms.Gateway.Limits;

namespace OrleansKms.Gateway.Endpoints.Aliases;

/// <summary>What an alias is to stand for.</summary>
internal sealed class PointAliasBody
{
    /// <summary>The key: an id, or another alias, whose key it then is.</summary>
    [JsonPropertyName("key_id")]
    public required string KeyId { get; set; }
}

/// <summary>Makes an alias, or points it at another key.</summary>
internal static class PointAliasEndpoint
{
    public static async Task Handle(Exchange exchange)
    {
        var name = AliasInRoute.Read(exchange);
        var body = await exchange.ReadJson(GatewayJson.Default.PointAliasBody, SizeLimits.ControlBody);
        var id = await exchange.ResolveKey(body.KeyId);
        exchange.KeyId = id;
        var alias = await exchange.InTime(AliasInRoute.Grain(exchange, name).Point(new PointAlias(exchange.Caller, id)));
        await exchange.Answer(AliasAnswer.Of(alias), GatewayJson.Default.AliasAnswer);
    }
}

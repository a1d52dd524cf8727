using System.Text.Json.Serialization;

namespace OrleansKms.Gateway.Rest.Aliases;

/// <summary>An alias.</summary>
internal sealed class AliasAnswer
{
    /// <summary>Its name, without <c>alias:</c>.</summary>
    public required string Name { get; init; }

    /// <summary>The key that it stands for.</summary>
    [JsonPropertyName("key_id")]
    public required string KeyId { get; init; }

    /// <summary>When it was made.</summary>
    [JsonPropertyName("created_at")]
    public required DateTime CreatedAt { get; init; }

    /// <summary>When it was last pointed at a key.</summary>
    [JsonPropertyName("updated_at")]
    public required DateTime UpdatedAt { get; init; }

    public static AliasAnswer Of(AliasDescription alias) => new()
    {
        Name = alias.Name,
        KeyId = alias.KeyId,
        CreatedAt = alias.CreatedAt.UtcDateTime,
        UpdatedAt = alias.UpdatedAt.UtcDateTime,
    };
}

/// <summary>The alias name in a path.</summary>
internal static class AliasInRoute
{
    /// <summary>Reads <c>{name}</c>.</summary>
    /// <exception cref="KmsException">invalid_parameter.</exception>
    public static string Read(RestExchange exchange) => exchange.RouteValue("name") is var name && KeyId.IsValid(name)
        ? name
        : throw KmsError.InvalidParameter.Exception($"An alias name follows the rules of key ids: it must be {KeyId.Rule}.");
}

using System.Text.Json;
using System.Text.Json.Serialization;

namespace OrleansKms;

/// <summary>
/// Statements in messages to silos: compact JSON, whose length counts as the policy's size. The client port accepts no lists within lists,
/// so statements travel as bytes.
/// </summary>
public static class PolicyText
{
    /// <summary>Writes statements.</summary>
    /// <param name="statements">The statements.</param>
    public static byte[] Of(IReadOnlyList<PolicyStatement> statements) =>
        JsonSerializer.SerializeToUtf8Bytes(statements, PolicyTextJson.Default.IReadOnlyListPolicyStatement);

    /// <summary>Parses and checks statements from a caller.</summary>
    /// <param name="text">Any bytes.</param>
    /// <param name="isOfKey">Whether they are a key's own policy.</param>
    /// <exception cref="KmsException">policy_too_large, invalid_request, invalid_parameter.</exception>
    internal static PolicyStatement[] Read(byte[]? text, bool isOfKey)
    {
        if (text?.Length > KmsLimits.PolicyBytes)
        {
            throw KmsError.PolicyTooLarge.Exception($"A policy can have at most {KmsLimits.PolicyBytes} bytes.");
        }

        try
        {
            var statements = JsonSerializer.Deserialize(text, PolicyTextJson.Default.PolicyStatementArray);
            PolicyRules.Check(statements, isOfKey);
            return statements!;
        }
        catch (JsonException)
        {
            // The parser's own message names internal types.
            throw KmsError.InvalidRequest.Exception("The statements are malformed.");
        }
    }
}

/// <summary>The JSON of statements.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    AllowDuplicateProperties = false,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    UseStringEnumConverter = true,
    MaxDepth = 8)]
[JsonSerializable(typeof(PolicyStatement[]))]
[JsonSerializable(typeof(IReadOnlyList<PolicyStatement>))]
internal sealed partial class PolicyTextJson : JsonSerializerContext;

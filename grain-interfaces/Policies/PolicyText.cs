using System.Text.Json;
using System.Text.Json.Serialization;

namespace OrleansKms;

/// <summary>
/// Statements as they travel to a silo: compact JSON, whose length is what a policy's size is measured by. The client port lets no call
/// through in which lists lie within lists, so they go as bytes.
/// </summary>
public static class PolicyText
{
    /// <summary>Writes statements.</summary>
    /// <param name="statements">The statements.</param>
    public static byte[] Of(IReadOnlyList<PolicyStatement> statements) =>
        JsonSerializer.SerializeToUtf8Bytes(statements, PolicyTextJson.Default.IReadOnlyListPolicyStatement);

    /// <summary>Reads statements that a caller sent, and checks them.</summary>
    /// <param name="text">Any bytes.</param>
    /// <param name="isOfKey">Whether they are a key's own policy.</param>
    /// <exception cref="KmsException">policy_too_large, invalid_request, invalid_parameter.</exception>
    internal static PolicyStatement[] Read(byte[]? text, bool isOfKey)
    {
        if (text?.Length > KmsLimits.PolicyBytes)
        {
            throw KmsError.PolicyTooLarge.Exception($"A policy must be {KmsLimits.PolicyBytes} bytes or less.");
        }

        try
        {
            var statements = JsonSerializer.Deserialize(text, PolicyTextJson.Default.PolicyStatementArray);
            PolicyRules.Check(statements, isOfKey);
            return statements!;
        }
        catch (JsonException)
        {
            // The parser's own message names types of this program.
            throw KmsError.InvalidRequest.Exception("The statements are not well formed.");
        }
    }
}

/// <summary>How statements are written and read.</summary>
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

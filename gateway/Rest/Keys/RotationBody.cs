using System.Text.Json.Serialization;

namespace OrleansKms.Gateway.Rest.Keys;

/// <summary>When a key rotates automatically; at least one of the two.</summary>
internal sealed class RotationBody
{
    /// <summary>
    /// Time between rotations (ISO 8601 in days, hours, minutes and seconds), <see cref="KmsLimits.MinRotation"/> to <see cref="KmsLimits.MaxRotation"/>.
    /// </summary>
    public string? Every { get; set; }

    /// <summary>Uses of a version after which the key rotates, 1 to <see cref="KmsLimits.MaxRotationUses"/>.</summary>
    [JsonPropertyName("after_uses")]
    public long? AfterUses { get; set; }

    /// <summary>The plan for the grain, which checks the ranges.</summary>
    /// <exception cref="KmsException">invalid_parameter.</exception>
    public RotationPlan ToPlan() => Every is null && AfterUses is null
        ? throw KmsError.InvalidParameter.Exception("'rotation' needs 'every' or 'after_uses'.")
        : new RotationPlan(Every is null ? null : Durations.Parse(Every, "rotation.every"), AfterUses);
}

/// <summary>Durations in the fields of requests.</summary>
internal static class Durations
{
    /// <summary>Reads a field.</summary>
    /// <exception cref="KmsException">invalid_parameter.</exception>
    public static TimeSpan Parse(string text, string field) => Iso8601Duration.TryParse(text, out var duration)
        ? duration
        : throw KmsError.InvalidParameter.Exception(
            $"'{field}' must be {Iso8601Duration.Rule}.");
}

/// <summary>Tags in the fields of requests.</summary>
internal static class TagFields
{
    /// <summary>Refuses a tag with the value null, which JSON allows and the contract does not.</summary>
    /// <exception cref="KmsException">invalid_request.</exception>
    public static Dictionary<string, string>? Check(Dictionary<string, string>? tags) =>
        tags is null || !tags.ContainsValue(null!) ? tags : throw KmsError.InvalidRequest.Exception("A tag's value must be a "
            + "string.");
}

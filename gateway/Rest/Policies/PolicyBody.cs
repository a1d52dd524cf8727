using System.Globalization;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using OrleansKms.Gateway.Json;

namespace OrleansKms.Gateway.Rest.Policies;

/// <summary>A policy: what it does not allow is refused, and what it denies is refused even if something else allows it.</summary>
internal sealed class PolicyBody
{
    /// <summary>Up to <see cref="KmsLimits.PolicyStatements"/> statements, <see cref="KmsLimits.PolicyBytes"/> together.</summary>
    public required PolicyStatementBody[] Statements { get; set; }

    /// <summary>The statements for a silo.</summary>
    /// <exception cref="KmsException">invalid_request, invalid_parameter, policy_too_large.</exception>
    public byte[] ToText(bool isOfKey)
    {
        var statements = Array.ConvertAll(Statements, statement =>
            (statement ?? throw KmsError.InvalidRequest.Exception("A statement is null.")).ToStatement());
        PolicyRules.Check(statements, isOfKey);
        return PolicyText.Of(statements);
    }
}

/// <summary>One statement: it matches if its actions, keys and conditions all match.</summary>
internal sealed class PolicyStatementBody
{
    /// <summary>allow or deny.</summary>
    public required string Effect { get; set; }

    /// <summary>Operations (keys:encrypt, …), groups of them (use, manage, export, audit, admin), or *.</summary>
    public required string[] Actions { get; set; }

    /// <summary>Key ids, or prefixes followed by *; optional in a key's own policy.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string[]? Keys { get; set; }

    /// <summary>In a key's own policy: names of principals, or prefixes followed by *; everyone if omitted.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string[]? Principals { get; set; }

    /// <summary>Further conditions.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public PolicyConditionsBody? When { get; set; }

    public static PolicyStatementBody Of(PolicyStatement statement) => new()
    {
        Effect = WireNames<PolicyEffect>.Of(statement.Effect),
        Actions = [.. statement.Actions],
        Keys = statement.Keys.Count == 0 ? null : [.. statement.Keys],
        Principals = statement.Principals?.ToArray(),
        When = statement.When is { } when ? PolicyConditionsBody.Of(when) : null,
    };

    public PolicyStatement ToStatement() => new(
        WireNames<PolicyEffect>.Parse(Effect, "effect") ?? PolicyEffect.Deny, Actions, Keys ?? [])
    {
        Principals = Principals,
        When = When?.ToConditions(),
    };
}

/// <summary>Conditions of a statement: all that are present must hold.</summary>
internal sealed partial class PolicyConditionsBody
{
    /// <summary>The caller's address is in one of these networks, in CIDR notation.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string[]? Source { get; set; }

    /// <summary>The time is not before this; RFC 3339.</summary>
    [JsonPropertyName("not_before")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? NotBefore { get; set; }

    /// <summary>The time is not after this; RFC 3339.</summary>
    [JsonPropertyName("not_after")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? NotAfter { get; set; }

    /// <summary>The associated data begins with these bytes.</summary>
    [JsonPropertyName("associated_data_prefix")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public byte[]? AssociatedDataPrefix { get; set; }

    /// <summary>The key's protection: software or hsm.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Protection { get; set; }

    /// <summary>The key has one of these specs.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string[]? Spec { get; set; }

    /// <summary>The kind of the ciphertext requested or given: data, data_key or data_key_pair.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Kind { get; set; }

    public static PolicyConditionsBody Of(PolicyConditions when) => new()
    {
        Source = when.Source?.ToArray(),
        NotBefore = Text(when.NotBefore),
        NotAfter = Text(when.NotAfter),
        AssociatedDataPrefix = when.AssociatedDataPrefix,
        Protection = when.Protection is { } protection ? WireNames<KeyProtection>.Of(protection) : null,
        Spec = when.Specs?.ToArray(),
        Kind = when.Kind is { } kind ? WireNames<CiphertextKind>.Of(kind) : null,
    };

    public PolicyConditions ToConditions() => new()
    {
        Source = Source,
        NotBefore = Time(NotBefore, "not_before"),
        NotAfter = Time(NotAfter, "not_after"),
        AssociatedDataPrefix = AssociatedDataPrefix,
        Protection = WireNames<KeyProtection>.Parse(Protection, "protection"),
        Specs = Spec,
        Kind = WireNames<CiphertextKind>.Parse(Kind, "kind"),
    };

    /// <summary>Parses a time. One without an offset from UTC is refused, since its meaning would depend on the machine.</summary>
    public static DateTimeOffset? Time(string? text, string field) => text is null ? null
        : Rfc3339().IsMatch(text) && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.None, out var time) ? time.ToUniversalTime()
        : throw KmsError.InvalidParameter.Exception($"'{field}' must be a time as in RFC 3339, with its offset from UTC.");

    private static string? Text(DateTimeOffset? time) => time?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture);

    [GeneratedRegex(@"\A\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,7})?([Zz]|[+-]\d\d:\d\d)\z")]
    private static partial Regex Rfc3339();
}

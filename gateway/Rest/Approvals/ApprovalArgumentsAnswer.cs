using System.Text.Json.Serialization;
using OrleansKms.Gateway.Rest.Keys;
using OrleansKms.Gateway.Rest.Limits;
using OrleansKms.Gateway.Rest.Policies;

namespace OrleansKms.Gateway.Rest.Approvals;

/// <summary>The arguments of an operation that needs approval. Once it is decided, texts and tags are removed.</summary>
internal sealed class ApprovalArgumentsAnswer
{
    /// <summary>The key version.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Version { get; init; }

    /// <summary>How long a deletion or destruction waits, starting when it is carried out.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? After { get; init; }

    /// <summary>For an export, the SHA-256 of the wrapping public key (SubjectPublicKeyInfo, DER).</summary>
    [JsonPropertyName("wrapping_key_sha256")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public byte[]? WrappingKeySha256 { get; init; }

    /// <summary>For an update, the fields it sets. One without a value here is cleared.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string[]? Sets { get; init; }

    /// <summary>The new description.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Description { get; init; }

    /// <summary>The new tags.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, string>? Tags { get; init; }

    /// <summary>The new rotation plan.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public RotationBody? Rotation { get; init; }

    /// <summary>The new minimum version that decrypts.</summary>
    [JsonPropertyName("min_decrypt_version")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? MinDecryptVersion { get; init; }

    /// <summary>The new limits.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public LimitBody[]? Limits { get; init; }

    /// <summary>The new dual control.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ApprovalRuleBody? Approval { get; init; }

    /// <summary>The statements of the key's new policy.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public PolicyStatementBody[]? Statements { get; init; }

    public static ApprovalArgumentsAnswer Of(RequestedOperation request) => new()
    {
        Version = request.Version,
        After = request.After is { } after ? Iso8601Duration.Format(after) : null,
        WrappingKeySha256 = request.WrappingKeyHash,
        Sets = request.Update is { } update ? SetBy(update) : null,
        Description = request.Update?.Description.Value,
        Tags = request.Update?.Tags.Value,
        Rotation = request.Update?.Rotation.Value is { } plan
            ? new() { Every = plan.Every is { } every ? Iso8601Duration.Format(every) : null, AfterUses = plan.AfterUses }
            : null,
        MinDecryptVersion = request.Update?.MinDecryptVersion,
        Limits = LimitBody.FromRules(request.Update?.Limits.Value),
        Approval = ApprovalRuleBody.Of(request.Update?.Approval.Value),
        Statements = request.Policy is { } policy ? [.. PolicyText.Read(policy, isOfKey: true).Select(PolicyStatementBody.Of)] : null,
    };

    private static string[] SetBy(UpdateKey update) =>
    [
        .. update.Description.IsSet ? ["description"] : Array.Empty<string>(),
        .. update.Tags.IsSet ? ["tags"] : Array.Empty<string>(),
        .. update.Rotation.IsSet ? ["rotation"] : Array.Empty<string>(),
        .. update.MinDecryptVersion is not null ? ["min_decrypt_version"] : Array.Empty<string>(),
        .. update.Limits.IsSet ? ["limits"] : Array.Empty<string>(),
        .. update.Approval.IsSet ? ["approval"] : Array.Empty<string>(),
    ];
}

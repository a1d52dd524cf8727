using System.Text.Json.Serialization;
using OrleansKms.Gateway.Json;
using OrleansKms.Gateway.Rest.Approvals;
using OrleansKms.Gateway.Rest.Limits;

namespace OrleansKms.Gateway.Rest.Keys;

/// <summary>A key, as every route returns it. Never material.</summary>
internal sealed class KeyAnswer
{
    /// <summary>The id.</summary>
    public required string Id { get; init; }

    /// <summary>The key spec.</summary>
    public required string Spec { get; init; }

    /// <summary>What the key may be used for.</summary>
    public required string Usage { get; init; }

    /// <summary>enabled, disabled, pending_import, pending_deletion or destroyed.</summary>
    public required string State { get; init; }

    /// <summary>software or hsm.</summary>
    public required string Protection { get; init; }

    /// <summary>generated or external.</summary>
    public required string Origin { get; init; }

    /// <summary>Whether the material may be exported, wrapped.</summary>
    public required bool Exportable { get; init; }

    /// <summary>Free text.</summary>
    public required string? Description { get; init; }

    /// <summary>Tags.</summary>
    public required IReadOnlyDictionary<string, string> Tags { get; init; }

    /// <summary>When the key was created.</summary>
    [JsonPropertyName("created_at")]
    public required DateTime CreatedAt { get; init; }

    /// <summary>The primary version, which encrypts.</summary>
    [JsonPropertyName("primary_version")]
    public required int PrimaryVersion { get; init; }

    /// <summary>The minimum version that decrypts.</summary>
    [JsonPropertyName("min_decrypt_version")]
    public required int MinDecryptVersion { get; init; }

    /// <summary>All versions, oldest first.</summary>
    public required KeyVersionAnswer[] Versions { get; init; }

    /// <summary>The rotation plan, or null.</summary>
    public required RotationAnswer? Rotation { get; init; }

    /// <summary>Uses of all versions together.</summary>
    public required KeyUsesAnswer Uses { get; init; }

    /// <summary>When the material will be, or was, erased; or null.</summary>
    [JsonPropertyName("deletion_at")]
    public required DateTime? DeletionAt { get; init; }

    /// <summary>The key's own usage limits, if it has any.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public LimitBody[]? Limits { get; init; }

    /// <summary>Dual control, if the key has it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ApprovalRuleBody? Approval { get; init; }

    /// <summary>The algorithms that its operations can name, the default first, where there are any.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string[]? Algorithms { get; init; }

    /// <summary>Makes the answer from a description.</summary>
    public static KeyAnswer Of(KeyDescription key) => new()
    {
        Id = key.Id,
        Spec = key.Spec,
        Usage = WireNames<KeyUsage>.Of(key.Usage),
        State = WireNames<KeyState>.Of(key.State),
        Protection = WireNames<KeyProtection>.Of(key.Protection),
        Origin = WireNames<KeyOrigin>.Of(key.Origin),
        Exportable = key.Exportable,
        Description = key.Description,
        Tags = key.Tags,
        CreatedAt = key.CreatedAt.UtcDateTime,
        PrimaryVersion = key.PrimaryVersion,
        MinDecryptVersion = key.MinDecryptVersion,
        Versions = Array.ConvertAll(key.Versions, KeyVersionAnswer.Of),
        Rotation = RotationAnswer.Of(key),
        Uses = KeyUsesAnswer.Of(key.Uses),
        DeletionAt = key.DeletionAt?.UtcDateTime,
        Limits = LimitBody.FromRules(key.Limits),
        Approval = ApprovalRuleBody.Of(key.Approval),
        Algorithms = key.Algorithms,
    };
}

/// <summary>One version of a key.</summary>
internal sealed class KeyVersionAnswer
{
    /// <summary>1 or more.</summary>
    public required int Version { get; init; }

    /// <summary>enabled, disabled, pending_destruction or destroyed.</summary>
    public required string State { get; init; }

    /// <summary>When it was made.</summary>
    [JsonPropertyName("created_at")]
    public required DateTime CreatedAt { get; init; }

    /// <summary>How often it was used; never below the truth.</summary>
    public required long Uses { get; init; }

    /// <summary>When its material will be, or was, erased, if its destruction was scheduled.</summary>
    [JsonPropertyName("destroy_at")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTime? DestroyAt { get; init; }

    /// <summary>true for a public key that was imported without the private one; otherwise absent.</summary>
    [JsonPropertyName("public_only")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool PublicOnly { get; init; }

    public static KeyVersionAnswer Of(KeyVersionDescription version) => new()
    {
        Version = version.Version,
        State = WireNames<KeyVersionState>.Of(version.State),
        CreatedAt = version.CreatedAt.UtcDateTime,
        Uses = version.Uses,
        DestroyAt = version.DestroyAt?.UtcDateTime,
        PublicOnly = version.IsPublicOnly,
    };
}

/// <summary>When a key rotates automatically.</summary>
internal sealed class RotationAnswer
{
    /// <summary>Time between rotations (ISO 8601), or null.</summary>
    public required string? Every { get; init; }

    /// <summary>Uses after which it rotates, or null.</summary>
    [JsonPropertyName("after_uses")]
    public required long? AfterUses { get; init; }

    /// <summary>When the next rotation by time is due, or null.</summary>
    [JsonPropertyName("next_at")]
    public required DateTime? NextAt { get; init; }

    public static RotationAnswer? Of(KeyDescription key) => key.Rotation is not { } plan ? null : new()
    {
        Every = plan.Every is { } every ? Iso8601Duration.Format(every) : null,
        AfterUses = plan.AfterUses,
        NextAt = key.NextRotationAt?.UtcDateTime,
    };
}

/// <summary>How often a key was used.</summary>
internal sealed class KeyUsesAnswer
{
    /// <summary>Encryptions, including data keys, rewraps and each item of a batch.</summary>
    public required long Encrypt { get; init; }

    /// <summary>Decryptions.</summary>
    public required long Decrypt { get; init; }

    /// <summary>Signatures.</summary>
    public required long Sign { get; init; }

    /// <summary>Verifications.</summary>
    public required long Verify { get; init; }

    /// <summary>MACs.</summary>
    public required long Mac { get; init; }

    /// <summary>Derivations and key agreements.</summary>
    public required long Derive { get; init; }

    /// <summary>Encapsulations that the service made; those made with the public key elsewhere are not seen.</summary>
    public required long Encapsulate { get; init; }

    /// <summary>Decapsulations.</summary>
    public required long Decapsulate { get; init; }

    /// <summary>Bytes processed with the key.</summary>
    public required long Bytes { get; init; }

    /// <summary>The last use, or null.</summary>
    [JsonPropertyName("last_used_at")]
    public required DateTime? LastUsedAt { get; init; }

    public static KeyUsesAnswer Of(KeyUses uses) => new()
    {
        Encrypt = uses.Encrypt,
        Decrypt = uses.Decrypt,
        Sign = uses.Sign,
        Verify = uses.Verify,
        Mac = uses.Mac,
        Derive = uses.Derive,
        Encapsulate = uses.Encapsulate,
        Decapsulate = uses.Decapsulate,
        Bytes = uses.Bytes,
        LastUsedAt = uses.LastUsedAt?.UtcDateTime,
    };
}

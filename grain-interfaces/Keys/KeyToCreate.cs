namespace OrleansKms;

/// <summary>A key that <see cref="IKmsClient.CreateKeys"/> creates. Null means the default.</summary>
/// <param name="KeyId">A new id; see <see cref="OrleansKms.KeyId"/>.</param>
public sealed record KeyToCreate(string KeyId)
{
    /// <summary>The key spec.</summary>
    public string Spec { get; init; } = CreateKey.DefaultSpec;

    /// <summary>What the key may be used for; null for the spec's default usage.</summary>
    public KeyUsage? Usage { get; init; }

    /// <summary>When it rotates automatically; null for never.</summary>
    public RotationPlan? Rotation { get; init; }

    /// <summary>Free text of at most <see cref="KmsLimits.DescriptionLength"/> characters.</summary>
    public string? Description { get; init; }

    /// <summary>
    /// Up to <see cref="KmsLimits.Tags"/> tags; see <see cref="KmsLimits.TagNameLength"/> and <see cref="KmsLimits.TagValueLength"/>.
    /// </summary>
    public IReadOnlyDictionary<string, string>? Tags { get; init; }

    /// <summary>Whether the material may be exported, wrapped. This cannot be changed later.</summary>
    public bool Exportable { get; init; }

    /// <summary>Where the material lives.</summary>
    public KeyProtection Protection { get; init; }

    /// <summary>Where the material comes from.</summary>
    public KeyOrigin Origin { get; init; }
}

namespace OrleansKms;

/// <summary>Everything that users of a key may know about it; never material.</summary>
[GenerateSerializer, Immutable, Alias("okms.KeyDescription")]
public sealed record KeyDescription
{
    /// <summary>The id.</summary>
    [Id(0)] public required string Id { get; init; }
    /// <summary>The key spec, for example <c>AES_256_GCM</c>.</summary>
    [Id(1)] public required string Spec { get; init; }
    /// <summary>What the key may be used for.</summary>
    [Id(2)] public required KeyUsage Usage { get; init; }
    /// <summary>Where the key is in its life.</summary>
    [Id(3)] public required KeyState State { get; init; }
    /// <summary>Where the material lives.</summary>
    [Id(4)] public required KeyProtection Protection { get; init; }
    /// <summary>Where the material comes from.</summary>
    [Id(5)] public required KeyOrigin Origin { get; init; }
    /// <summary>Whether the material may be exported, wrapped.</summary>
    [Id(6)] public required bool Exportable { get; init; }
    /// <summary>Free text.</summary>
    [Id(7)] public string? Description { get; init; }
    /// <summary>The tags.</summary>
    [Id(8)] public required IReadOnlyDictionary<string, string> Tags { get; init; }
    /// <summary>When the key was created, UTC.</summary>
    [Id(9)] public required DateTimeOffset CreatedAt { get; init; }
    /// <summary>The primary version, which encrypts; 0 while the key waits for its first import.</summary>
    [Id(10)] public required int PrimaryVersion { get; init; }
    /// <summary>The minimum version that decrypts; at least 1.</summary>
    [Id(11)] public required int MinDecryptVersion { get; init; }
    /// <summary>All versions, oldest first.</summary>
    [Id(12)] public required KeyVersionDescription[] Versions { get; init; }
    /// <summary>The rotation plan; null when the key rotates only on request and at the limit of its algorithm.</summary>
    [Id(13)] public RotationPlan? Rotation { get; init; }
    /// <summary>When the next rotation by time is due, UTC, or null.</summary>
    [Id(14)] public DateTimeOffset? NextRotationAt { get; init; }
    /// <summary>Uses of all versions together.</summary>
    [Id(15)] public required KeyUses Uses { get; init; }
    /// <summary>When the material will be (or was) erased, UTC, or null.</summary>
    [Id(16)] public DateTimeOffset? DeletionAt { get; init; }
    /// <summary>
    /// How often the database had been restored from a backup when the primary version was made. If it was restored since, the
    /// key makes a new version before it encrypts again.
    /// </summary>
    [Id(17)] public int RestoreEpoch { get; init; }
    /// <summary>The key's own usage limits; null for none.</summary>
    [Id(18)] public IReadOnlyList<LimitRule>? Limits { get; init; }
    /// <summary>Dual control, or null.</summary>
    [Id(19)] public ApprovalRule? Approval { get; init; }
    /// <summary>The algorithms that an operation can name, the default first; null for a key that has but one way to be used.</summary>
    [Id(20)] public string[]? Algorithms { get; init; }

    /// <summary>Omits the description and the tags, which are sealed in storage.</summary>
    public override string ToString() => $"{nameof(KeyDescription)} {{ Id = {Id}, State = {State}, PrimaryVersion = {PrimaryVersion} }}";
}

/// <summary>One version of a key.</summary>
/// <param name="Version">1 or more; never reused for other material.</param>
/// <param name="State">Where the version is in its life.</param>
/// <param name="CreatedAt">When it was made, UTC.</param>
/// <param name="Uses">How many uses it spent: whatever <see cref="KeyUses"/> says is never below the truth.</param>
/// <param name="DestroyAt">When its material will be (or was) erased, UTC, if that was scheduled; or null.</param>
[GenerateSerializer, Immutable, Alias("okms.KeyVersionDescription")]
public sealed record KeyVersionDescription(
    [property: Id(0)] int Version,
    [property: Id(1)] KeyVersionState State,
    [property: Id(2)] DateTimeOffset CreatedAt,
    [property: Id(3)] long Uses,
    [property: Id(4)] DateTimeOffset? DestroyAt = null)
{
    /// <summary>Whether it is a public key without the private one, which was imported so; it only verifies or encrypts.</summary>
    [Id(5)] public bool IsPublicOnly { get; init; }
}

/// <summary>
/// How often a key was used. Encryptions, signatures, MACs, derivations and decapsulations are never below the truth, even after a
/// crash; the others may miss the last 10 seconds before one.
/// </summary>
[GenerateSerializer, Immutable, Alias("okms.KeyUses")]
public sealed record KeyUses
{
    /// <summary>Encryptions, including data keys, rewraps and each item of a batch.</summary>
    [Id(0)] public long Encrypt { get; init; }
    /// <summary>Decryptions.</summary>
    [Id(1)] public long Decrypt { get; init; }
    /// <summary>Signatures.</summary>
    [Id(2)] public long Sign { get; init; }
    /// <summary>Verifications of signatures and MACs.</summary>
    [Id(3)] public long Verify { get; init; }
    /// <summary>MACs.</summary>
    [Id(4)] public long Mac { get; init; }
    /// <summary>Bytes of plaintext and messages that went through the key.</summary>
    [Id(5)] public long Bytes { get; init; }
    /// <summary>The last use, UTC, or null.</summary>
    [Id(6)] public DateTimeOffset? LastUsedAt { get; init; }
    /// <summary>Derivations and key agreements.</summary>
    [Id(7)] public long Derive { get; init; }
    /// <summary>Decapsulations.</summary>
    [Id(8)] public long Decapsulate { get; init; }
    /// <summary>Encapsulations that the service made; those made with the public key elsewhere are not seen.</summary>
    [Id(9)] public long Encapsulate { get; init; }
}

/// <summary>When a key makes a new primary version automatically.</summary>
/// <param name="Every">
/// Time between rotations, <see cref="KmsLimits.MinRotation"/> to <see cref="KmsLimits.MaxRotation"/>; or null.
/// </param>
/// <param name="AfterUses">
/// Uses after which a version stops being primary, 1 to <see cref="KmsLimits.MaxRotationUses"/>; or null.
/// </param>
[GenerateSerializer, Immutable, Alias("okms.RotationPlan")]
public sealed record RotationPlan([property: Id(0)] TimeSpan? Every, [property: Id(1)] long? AfterUses);

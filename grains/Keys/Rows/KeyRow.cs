using OrleansKms.Grains.Sealing;

namespace OrleansKms.Grains.Keys.Rows;

/// <summary>
/// The row <c>key</c>: what a key is. Writing it is the commit point of every change. The newest version's material travels with
/// it (<see cref="Row.Material"/>). A change is prepared on a copy.
/// </summary>
public sealed record KeyRow : Row
{
    /// <summary>The key spec; a row of the algorithm table.</summary>
    public required string Spec { get; init; }
    /// <summary>What the key may be used for.</summary>
    public required KeyUsage Usage { get; init; }
    /// <summary>Where the key is in its life.</summary>
    public required KeyState State { get; init; }
    /// <summary>Where the material lives.</summary>
    public required KeyProtection Protection { get; init; }
    /// <summary>Where the material comes from.</summary>
    public required KeyOrigin Origin { get; init; }
    /// <summary>Whether the material may leave, wrapped.</summary>
    public bool Exportable { get; init; }
    /// <summary>Free text.</summary>
    public string? Description { get; init; }
    /// <summary>Tags.</summary>
    public IReadOnlyDictionary<string, string>? Tags { get; init; }
    /// <summary>When the key was created, UTC.</summary>
    public required DateTimeOffset CreatedAt { get; init; }
    /// <summary>The primary version, which encrypts; 0 while there is none. Always the newest.</summary>
    public int PrimaryVersion { get; init; }
    /// <summary>The minimum version that decrypts.</summary>
    public int MinDecryptVersion { get; init; } = 1;
    /// <summary>All versions, oldest first, without gaps except after a restore.</summary>
    public IReadOnlyList<KeyVersionEntry> Versions { get; init; } = [];
    /// <summary>
    /// The restore epoch in which the primary version was made, or the key created. A version of an earlier epoch no longer
    /// encrypts: how much of its budget was used is unknown.
    /// </summary>
    [System.Text.Json.Serialization.JsonIgnore(Condition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingDefault)]
    public int Epoch { get; init; }
    /// <summary>
    /// Versions up to this one came back with the key's backup. How often they were used since the backup is unknown, so they decrypt
    /// and verify, and encrypt no more; nor do they sign, but for a key of origin external whose uses have no limit. Later versions are numbered above it. 0 for a key that was never restored.
    /// </summary>
    [System.Text.Json.Serialization.JsonIgnore(Condition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingDefault)]
    public int RestoredUpTo { get; init; }
    /// <summary>What the key, just restored from its backup, still has to get; null for nothing.</summary>
    public KeyRestoring? Restoring { get; init; }
    /// <summary>The rotation plan.</summary>
    public RotationPlan? Rotation { get; init; }
    /// <summary>When the next rotation by time is due, UTC.</summary>
    public DateTimeOffset? NextRotationAt { get; init; }
    /// <summary>When the material is erased, or was, UTC.</summary>
    public DateTimeOffset? DeletionAt { get; init; }
    /// <summary>Destroyed versions whose stored material may not be gone yet. Each activation retries until it is.</summary>
    public IReadOnlyList<int> ErasePending { get; init; } = [];
    /// <summary>The key's history; null if the key has not changed since histories were introduced.</summary>
    public KeyHistory? History { get; init; }

    /// <summary>The key's own usage limits; null for none. Their counts are in <see cref="KeyUsageRow"/>.</summary>
    public IReadOnlyList<LimitRule>? Limits { get; init; }

    /// <summary>Dual control; null for none.</summary>
    public ApprovalRule? Approval { get; init; }
    /// <summary>Operations that need approval, in order of request; null for none.</summary>
    public IReadOnlyList<KeyApproval>? Approvals { get; init; }
    /// <summary>The key's own policy, which narrows those of principals.</summary>
    public IReadOnlyList<PolicyStatement>? Policy { get; init; }

    /// <inheritdoc/>
    [System.Text.Json.Serialization.JsonIgnore]
    public override bool IsTombstone => State == KeyState.Destroyed;

    /// <summary>The entry of a version, or null.</summary>
    /// <param name="version">Any number.</param>
    public KeyVersionEntry? Find(int version)
    {
        // Versions are sorted; there are almost always few, and usually the newest is wanted.
        for (var i = Versions.Count - 1; i >= 0 && Versions[i].Version >= version; i--)
        {
            if (Versions[i].Version == version)
            {
                return Versions[i];
            }
        }

        return null;
    }
}

/// <summary>One version in the row <c>key</c>.</summary>
/// <param name="Version">1 or more.</param>
/// <param name="State">Where the version is in its life.</param>
/// <param name="CreatedAt">When it was made, UTC.</param>
public sealed record KeyVersionEntry(int Version, KeyVersionState State, DateTimeOffset CreatedAt)
{
    /// <summary>When its material is erased, or was, UTC, if that was scheduled.</summary>
    public DateTimeOffset? DestroyAt { get; init; }

    /// <summary>
    /// The restore epoch in which its destruction was scheduled. In an earlier epoch, it may have been cancelled after the
    /// backup.
    /// </summary>
    [System.Text.Json.Serialization.JsonIgnore(Condition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingDefault)]
    public int DestroyEpoch { get; init; }

    /// <summary>
    /// Its public key (SubjectPublicKeyInfo, DER), so that whatever needs no private key asks for none; null for a spec that has
    /// none, and once the version is destroyed.
    /// </summary>
    public byte[]? PublicKey { get; init; }

    /// <summary>Whether <see cref="PublicKey"/> was imported alone: the version has no material, and only verifies or encrypts.</summary>
    [System.Text.Json.Serialization.JsonIgnore(Condition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingDefault)]
    public bool IsPublicOnly { get; init; }

    /// <summary>
    /// The id of the parameters that it was imported with; null for a version that was made here. It is committed with the version, so that
    /// no parameters make two, whatever became of the row <c>key.imports</c>.
    /// </summary>
    public string? Import { get; init; }

    /// <summary>
    /// For imported material of limited use: what recognizes it when the version is destroyed (Cryptography/Importing/ImportedMaterial.cs).
    /// </summary>
    public byte[]? Fingerprint { get; init; }
}

/// <summary>
/// A row <c>key.v{n}</c>: an older version's material or, once that is destroyed, a tombstone, so that a stale activation cannot
/// put the material back.
/// </summary>
public sealed record KeyVersionRow : Row
{
    /// <summary>The version.</summary>
    public required int Version { get; init; }

    /// <inheritdoc/>
    [System.Text.Json.Serialization.JsonIgnore]
    public override bool IsTombstone => Material is null;
}

/// <summary>
/// The row <c>key.usage</c>: how often each version was used, and how many uses are reserved. It is inserted before the row
/// <c>key</c>; its absence is corruption, never zero.
/// </summary>
public sealed record KeyUsageRow : Row
{
    /// <summary>The counters of each version that was ever used.</summary>
    public IReadOnlyList<VersionUsage> Versions { get; init; } = [];

    /// <summary>The counts of the key's limits, including removed ones; null for none.</summary>
    public IReadOnlyList<WindowUsage>? Windows { get; init; }

    /// <summary>It holds only numbers and times, and each reservation rewrites it whole, however many versions there are.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public override bool MayCompress => true;
}

/// <summary>One version's counters as stored.</summary>
/// <param name="Version">The version.</param>
/// <param name="Ceiling">
/// Uses reserved by any activation, less those that it gave back when it would spend no more. Counting resumes here, whatever the truth was.
/// </param>
/// <param name="Decrypted">Decryptions, as of the last write.</param>
/// <param name="Verified">Verifications, as of the last write.</param>
/// <param name="Bytes">Bytes, as of the last write.</param>
/// <param name="LastUsedAt">Last use, as of the last write, UTC.</param>
public sealed record VersionUsage(
    int Version, long Ceiling, long Decrypted, long Verified, long Bytes, DateTimeOffset? LastUsedAt);

/// <summary>The uses of one limit, made or reserved.</summary>
/// <param name="Of">What the limit counts.</param>
/// <param name="Per">The window.</param>
/// <param name="Spent">Pairs of a time (Unix milliseconds) and a number of uses, all made at or before that time.</param>
public sealed record WindowUsage(string Of, TimeSpan Per, IReadOnlyList<long> Spent);

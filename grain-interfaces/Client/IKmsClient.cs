namespace OrleansKms;

/// <summary>
/// Keys of a cluster, for a trusted .NET service. Each method is one call of a grain, which carries the service's name and a
/// request id into the cluster's logs and metrics. An expected failure is a <see cref="KmsException"/> with a stable code; a
/// <see cref="TimeoutException"/> leaves open whether a change was made; other exceptions of Orleans say that the cluster
/// could not be reached.
/// </summary>
public interface IKmsClient
{
    /// <summary>The cluster's grains, for whatever has no method here.</summary>
    IGrainFactory Grains { get; }

    /// <summary>Who calls, for requests of your own to <see cref="Grains"/>: take a new one for each.</summary>
    Caller NewCaller();

    /// <summary>A key's grain, for whatever has no method here.</summary>
    /// <param name="keyId">A valid key id (<see cref="KeyId"/>); not an alias. Error: invalid_key_id.</param>
    IKeyGrain Key(string keyId);

    /// <summary>Creates a key. Errors: key_exists, key_destroyed, unsupported_algorithm, invalid_parameter.</summary>
    /// <param name="keyId">A new id, 1 to 128 characters, see <see cref="KeyId"/>.</param>
    /// <param name="spec">The key spec.</param>
    /// <param name="rotation">When it rotates by itself, or null for by hand.</param>
    /// <param name="description">A text for people; at most 1,024 characters.</param>
    /// <param name="tags">Up to 50 tags, names 1 to 128 and values up to 256 characters.</param>
    Task<KeyDescription> CreateKey(
        string keyId, string spec = OrleansKms.CreateKey.DefaultSpec, RotationPlan? rotation = null, string? description = null,
        IReadOnlyDictionary<string, string>? tags = null);

    /// <summary>Describes a key, after a rotation that is due by time.</summary>
    Task<KeyDescription> DescribeKey(string keyId);

    /// <summary>Makes a new primary version.</summary>
    Task<KeyDescription> RotateKey(string keyId);

    /// <summary>Makes a disabled key usable again.</summary>
    Task<KeyDescription> EnableKey(string keyId);

    /// <summary>Makes a key unusable until it is enabled.</summary>
    Task<KeyDescription> DisableKey(string keyId);

    /// <summary>Makes a key unusable and has its material erased later.</summary>
    /// <param name="keyId">The key.</param>
    /// <param name="after">How long from now: 24 hours (or the operator's least) to 365 days.</param>
    Task<KeyDescription> ScheduleKeyDeletion(string keyId, TimeSpan after);

    /// <summary>Takes a scheduled deletion back; the key is disabled afterwards, until <see cref="EnableKey"/>.</summary>
    Task<KeyDescription> CancelKeyDeletion(string keyId);

#if !OKMS_FEATURE_LEVEL_1
    /// <summary>Makes a version unusable and has its material erased later. Error: conflict for the primary version.</summary>
    /// <param name="keyId">The key.</param>
    /// <param name="version">A version that is not the primary one.</param>
    /// <param name="after">How long from now: 24 hours (or the operator's least) to 365 days; null for 7 days.</param>
    Task<KeyDescription> ScheduleVersionDestruction(string keyId, int version, TimeSpan? after = null);

    /// <summary>Takes the destruction of a version back; the version is disabled afterwards, until <see cref="IKeyGrain.EnableVersion"/>.</summary>
    /// <param name="keyId">The key.</param>
    /// <param name="version">The version.</param>
    Task<KeyDescription> CancelVersionDestruction(string keyId, int version);
#endif

    /// <summary>Reads a page of what happened to a key, newest first; since feature level 4.</summary>
    /// <param name="keyId">The key.</param>
    /// <param name="limit">The most events, 1 to 1,000.</param>
    /// <param name="after">The <see cref="KeyHistoryPage.Next"/> of the page before; null for the first.</param>
    Task<KeyHistoryPage> ReadKeyHistory(string keyId, int limit = 100, string? after = null);

    /// <summary>Encrypts under the primary version.</summary>
    /// <param name="keyId">The key.</param>
    /// <param name="plaintext">1 byte to the operator's limit (64 KiB).</param>
    /// <param name="associatedData">Authenticated, not encrypted, and needed again to decrypt; up to 8 KiB, or null.</param>
    ValueTask<Encrypted> Encrypt(string keyId, byte[] plaintext, byte[]? associatedData = null);

    /// <summary>Decrypts with the key that the ciphertext names. Errors: invalid_ciphertext, version_not_usable.</summary>
    /// <param name="ciphertext">A ciphertext of any key.</param>
    /// <param name="associatedData">What it was made with; null and empty are the same.</param>
    ValueTask<Decrypted> Decrypt(byte[] ciphertext, byte[]? associatedData = null);

    /// <summary>Encrypts again under the primary version of the key that the ciphertext names; the plaintext stays in the silo.</summary>
    ValueTask<Encrypted> Rewrap(byte[] ciphertext, byte[]? associatedData = null);

    /// <summary>Makes a data key: in the clear to encrypt with at home, and encrypted to keep.</summary>
    /// <param name="keyId">The key that encrypts it.</param>
    /// <param name="bytes">Its length, 1 to 1024.</param>
    /// <param name="associatedData">Needed again to decrypt it; or null.</param>
    ValueTask<DataKey> GenerateDataKey(string keyId, int bytes = 32, byte[]? associatedData = null);
}

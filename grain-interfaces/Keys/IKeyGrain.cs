using Orleans.Concurrency;

namespace OrleansKms;

/// <summary>
/// One key. The grain key is the key id (<see cref="KeyId"/>). For an expected failure every method throws
/// <see cref="KmsException"/> and nothing else; each may fail with <c>key_not_found</c>, <c>key_corrupted</c> and
/// <c>storage_unavailable</c>, and methods that need the material of a key with protection hsm with <c>hsm_unavailable</c>.
/// </summary>
[Alias("okms.IKeyGrain")]
public interface IKeyGrain : IGrainWithStringKey
{
    /// <summary>Creates the key. Errors: key_exists, key_destroyed, unsupported_algorithm, invalid_parameter.</summary>
    [Alias("Create"), GrowingOperation("keys:create")] Task<KeyDescription> Create(CreateKey request);

    /// <summary>Describes the key, after any rotation that is due by time.</summary>
    [Alias("Describe"), Operation("keys:describe")] Task<KeyDescription> Describe(KeyCommand request);

    /// <summary>Changes description, tags, rotation plan, the minimum version that decrypts, limits or the rule of dual control.</summary>
    [Alias("Update"), GrowingOperation("keys:update")] Task<KeyDescription> Update(UpdateKey request);

    /// <summary>Makes a new primary version.</summary>
    [Alias("Rotate"), Operation("keys:rotate")] Task<KeyDescription> Rotate(KeyCommand request);

    /// <summary>Makes a disabled key usable again.</summary>
    [Alias("Enable"), Operation("keys:enable")] Task<KeyDescription> Enable(KeyCommand request);

    /// <summary>Makes the key unusable until it is enabled.</summary>
    [Alias("Disable"), Operation("keys:disable")] Task<KeyDescription> Disable(KeyCommand request);

    /// <summary>Makes a disabled version usable again.</summary>
    [Alias("EnableVersion"), Operation("keys:enable-version")] Task<KeyDescription> EnableVersion(KeyVersionCommand request);

    /// <summary>Makes one version unusable until it is enabled.</summary>
    [Alias("DisableVersion"), Operation("keys:disable-version")] Task<KeyDescription> DisableVersion(KeyVersionCommand request);

    /// <summary>
    /// Schedules one version's destruction, like <c>IKeyVersionsGrain.ScheduleDestruction</c> without a time; for callers older
    /// than that.
    /// </summary>
    [Alias("DestroyVersion"), Operation("keys:schedule-destruction")] Task<KeyDescription> DestroyVersion(KeyVersionCommand request);

    /// <summary>Makes the key unusable and schedules the erasure of its material.</summary>
    [Alias("ScheduleDeletion"), Operation("keys:schedule-deletion")] Task<KeyDescription> ScheduleDeletion(ScheduleDeletion request);

    /// <summary>Cancels a scheduled deletion; the key is then disabled.</summary>
    [Alias("CancelDeletion"), Operation("keys:cancel-deletion")] Task<KeyDescription> CancelDeletion(KeyCommand request);

    /// <summary>Whether the key can be used now. Never throws for a key that cannot.</summary>
    [Alias("Validate"), Operation("keys:validate")] Task<KeyValidation> Validate(KeyCommand request);

    /// <summary>Encrypts under the primary version; spends one use.</summary>
    [Alias("Encrypt"), Operation("keys:encrypt")] ValueTask<Encrypted> Encrypt(Encrypt request);

    /// <summary>Decrypts. Errors: invalid_ciphertext, version_not_usable.</summary>
    [Alias("Decrypt"), Operation("keys:decrypt"), AlwaysInterleave] ValueTask<Decrypted> Decrypt(Decrypt request);

    /// <summary>Re-encrypts under the primary version without revealing the plaintext; keeps the kind; spends one use.</summary>
    [Alias("Rewrap"), Operation("keys:rewrap")] ValueTask<Encrypted> Rewrap(Decrypt request);

    /// <summary>Generates a data key; spends one use.</summary>
    [Alias("GenerateDataKey"), Operation("keys:datakey")] ValueTask<DataKey> GenerateDataKey(GenerateDataKey request);

    /// <summary>Encrypts many items in order; spends a use for each.</summary>
    [Alias("EncryptBatch"), Operation("keys:encrypt")] ValueTask<ItemResult<Encrypted>[]> EncryptBatch(EncryptBatch request);

    /// <summary>Decrypts many items in order.</summary>
    [Alias("DecryptBatch"), Operation("keys:decrypt"), AlwaysInterleave] ValueTask<ItemResult<Decrypted>[]> DecryptBatch(DecryptBatch request);

    /// <summary>Rewraps many items in order; spends a use for each.</summary>
    [Alias("RewrapBatch"), Operation("keys:rewrap")] ValueTask<ItemResult<Encrypted>[]> RewrapBatch(DecryptBatch request);
}

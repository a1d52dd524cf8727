using Orleans.Concurrency;

namespace OrleansKms;

/// <summary>
/// One key. The grain's key is the key id (<see cref="KeyId"/>). Every method throws <see cref="KmsException"/> for an
/// expected failure, and nothing else; each may answer <c>key_not_found</c>, <c>key_corrupted</c> and
/// <c>storage_unavailable</c>, and what needs the material of a key of protection hsm <c>hsm_unavailable</c>.
/// </summary>
[Alias("okms.IKeyGrain")]
public interface IKeyGrain : IGrainWithStringKey
{
    /// <summary>Creates the key. Errors: key_exists, key_destroyed, unsupported_algorithm, invalid_parameter.</summary>
    [Alias("Create"), Operation("keys:create")] Task<KeyDescription> Create(CreateKey request);

    /// <summary>Describes the key, after a rotation that is due by time.</summary>
    [Alias("Describe"), Operation("keys:describe")] Task<KeyDescription> Describe(KeyCommand request);

    /// <summary>Changes description, tags, rotation plan or the least version that decrypts.</summary>
    [Alias("Update"), Operation("keys:update")] Task<KeyDescription> Update(UpdateKey request);

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
    /// Schedules one version's destruction, as <c>IKeyVersionsGrain.ScheduleDestruction</c> does without a time; for callers
    /// that are older than that.
    /// </summary>
    [Alias("DestroyVersion"), Operation("keys:schedule-destruction")] Task<KeyDescription> DestroyVersion(KeyVersionCommand request);

    /// <summary>Makes the key unusable and sets the time at which its material is erased.</summary>
    [Alias("ScheduleDeletion"), Operation("keys:schedule-deletion")] Task<KeyDescription> ScheduleDeletion(ScheduleDeletion request);

    /// <summary>Takes a scheduled deletion back; the key is disabled afterwards.</summary>
    [Alias("CancelDeletion"), Operation("keys:cancel-deletion")] Task<KeyDescription> CancelDeletion(KeyCommand request);

    /// <summary>Whether the key can be used now. Never throws for a key that cannot.</summary>
    [Alias("Validate"), Operation("keys:validate")] Task<KeyValidation> Validate(KeyCommand request);

    /// <summary>Encrypts under the primary version; spends one use.</summary>
    [Alias("Encrypt"), Operation("keys:encrypt")] ValueTask<Encrypted> Encrypt(Encrypt request);

    /// <summary>Decrypts. Errors: invalid_ciphertext, version_not_usable.</summary>
    [Alias("Decrypt"), Operation("keys:decrypt"), AlwaysInterleave] ValueTask<Decrypted> Decrypt(Decrypt request);

    /// <summary>Encrypts again under the primary version without showing the plaintext; keeps the kind; spends one use.</summary>
    [Alias("Rewrap"), Operation("keys:rewrap")] ValueTask<Encrypted> Rewrap(Decrypt request);

    /// <summary>Makes a data key; spends one use.</summary>
    [Alias("GenerateDataKey"), Operation("keys:datakey")] ValueTask<DataKey> GenerateDataKey(GenerateDataKey request);

    /// <summary>Encrypts many items in order; spends a use for each.</summary>
    [Alias("EncryptBatch"), Operation("keys:encrypt")] ValueTask<ItemResult<Encrypted>[]> EncryptBatch(EncryptBatch request);

    /// <summary>Decrypts many items in order.</summary>
    [Alias("DecryptBatch"), Operation("keys:decrypt"), AlwaysInterleave] ValueTask<ItemResult<Decrypted>[]> DecryptBatch(DecryptBatch request);

    /// <summary>Rewraps many items in order; spends a use for each.</summary>
    [Alias("RewrapBatch"), Operation("keys:rewrap")] ValueTask<ItemResult<Encrypted>[]> RewrapBatch(DecryptBatch request);
}

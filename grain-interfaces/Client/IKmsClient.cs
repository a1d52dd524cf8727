namespace OrleansKms;

/// <summary>
/// The keys of a cluster, for a trusted .NET service. Each method is one grain call, which carries the service's name and a
/// request id into the cluster's logs and metrics. An expected failure is a <see cref="KmsException"/> with a stable code. After
/// a <see cref="TimeoutException"/> a change may or may not have been made. Other exceptions of Orleans mean that the cluster
/// could not be reached.
/// </summary>
public interface IKmsClient
{
    /// <summary>The cluster's grains, for anything without a method here.</summary>
    IGrainFactory Grains { get; }

    /// <summary>A new caller for your own requests to <see cref="Grains"/>: take one for each request.</summary>
    Caller NewCaller();

    /// <summary>A key's grain, for anything without a method here.</summary>
    /// <param name="keyId">A valid key id (<see cref="KeyId"/>); not an alias. Error: invalid_key_id.</param>
    IKeyGrain Key(string keyId);

    /// <summary>Creates a key. Errors: key_exists, key_destroyed, unsupported_algorithm, invalid_parameter.</summary>
    /// <param name="keyId">A new id; see <see cref="KeyId"/>.</param>
    /// <param name="spec">The key spec.</param>
    /// <param name="rotation">When it rotates automatically; null for never.</param>
    /// <param name="description">Free text of at most <see cref="KmsLimits.DescriptionLength"/> characters.</param>
    /// <param name="tags">
    /// Up to <see cref="KmsLimits.Tags"/> tags; see <see cref="KmsLimits.TagNameLength"/> and
    /// <see cref="KmsLimits.TagValueLength"/>.
    /// </param>
    /// <param name="usage">What the key may be used for; null for the spec's default usage.</param>
    Task<KeyDescription> CreateKey(
        string keyId, string spec = OrleansKms.CreateKey.DefaultSpec, RotationPlan? rotation = null, string? description = null,
        IReadOnlyDictionary<string, string>? tags = null, KeyUsage? usage = null);

    /// <summary>
    /// Creates many keys at once, one call for each. Each is created or fails by itself: an error of the code <c>timeout</c> or
    /// <c>unavailable</c> means that the key may exist.
    /// </summary>
    /// <param name="keys">1 to <see cref="KmsLimits.BatchItems"/> keys.</param>
    /// <returns>What became of each, in order.</returns>
    /// <exception cref="ArgumentException">There are none, or too many.</exception>
    Task<ItemResult<KeyDescription>[]> CreateKeys(IReadOnlyList<KeyToCreate> keys);

    /// <summary>Describes a key, after any rotation that is due by time.</summary>
    Task<KeyDescription> DescribeKey(string keyId);

    /// <summary>Makes a new primary version.</summary>
    Task<KeyDescription> RotateKey(string keyId);

    /// <summary>Makes a disabled key usable again.</summary>
    Task<KeyDescription> EnableKey(string keyId);

    /// <summary>Makes a key unusable until it is enabled.</summary>
    Task<KeyDescription> DisableKey(string keyId);

    /// <summary>Makes a disabled version usable again.</summary>
    /// <param name="keyId">The key.</param>
    /// <param name="version">The version.</param>
    Task<KeyDescription> EnableKeyVersion(string keyId, int version);

    /// <summary>Makes a version unusable until it is enabled.</summary>
    /// <param name="keyId">The key.</param>
    /// <param name="version">The version.</param>
    Task<KeyDescription> DisableKeyVersion(string keyId, int version);

    /// <summary>Makes a key unusable and schedules the erasure of its material.</summary>
    /// <param name="keyId">The key.</param>
    /// <param name="after">
    /// How long from now: from the operator's minimum (24 hours by default) to <see cref="KmsLimits.MaxDeletionDelay"/>.
    /// </param>
    Task<KeyDescription> ScheduleKeyDeletion(string keyId, TimeSpan after);

    /// <summary>Cancels a scheduled deletion; the key is then disabled, until <see cref="EnableKey"/>.</summary>
    Task<KeyDescription> CancelKeyDeletion(string keyId);

#if !OKMS_FEATURE_LEVEL_1
    /// <summary>
    /// Makes a version unusable and schedules the erasure of its material. Error: conflict for the primary version.
    /// </summary>
    /// <param name="keyId">The key.</param>
    /// <param name="version">A version other than the primary one.</param>
    /// <param name="after">
    /// How long from now: from the operator's minimum (24 hours by default) to <see cref="KmsLimits.MaxDeletionDelay"/>; null for
    /// <see cref="KmsLimits.DefaultDestructionDelay"/>.
    /// </param>
    Task<KeyDescription> ScheduleVersionDestruction(string keyId, int version, TimeSpan? after = null);

    /// <summary>
    /// Cancels the destruction of a version; the version is then disabled, until <see cref="IKeyGrain.EnableVersion"/>.
    /// </summary>
    /// <param name="keyId">The key.</param>
    /// <param name="version">The version.</param>
    Task<KeyDescription> CancelVersionDestruction(string keyId, int version);
#endif

    /// <summary>Reads a page of a key's history, newest event first. Since feature level 4.</summary>
    /// <param name="keyId">The key.</param>
    /// <param name="limit">The maximum number of events, 1 to <see cref="KmsLimits.PageItems"/>.</param>
    /// <param name="after">The <see cref="KeyHistoryPage.Next"/> of the previous page; null for the first.</param>
    Task<KeyHistoryPage> ReadKeyHistory(string keyId, int limit = 100, string? after = null);

    /// <summary>Encrypts under the primary version.</summary>
    /// <param name="keyId">The key.</param>
    /// <param name="plaintext">
    /// At least 1 byte, up to the operator's limit (<see cref="KmsLimits.DefaultPlaintextBytes"/> by default).
    /// </param>
    /// <param name="associatedData">
    /// Authenticated, not encrypted, and required again to decrypt; at most <see cref="KmsLimits.AssociatedDataBytes"/> bytes, or
    /// null.
    /// </param>
    ValueTask<Encrypted> Encrypt(string keyId, byte[] plaintext, byte[]? associatedData = null);

    /// <summary>
    /// Encrypts with the public key of a key pair, by a named algorithm or without a header; since feature level 6. Errors:
    /// unsupported_algorithm; invalid_parameter for a plaintext longer than the algorithm takes, and for a key that is no pair.
    /// </summary>
    /// <param name="keyId">An RSA key of usage encrypt_decrypt.</param>
    /// <param name="plaintext">At least 1 byte, up to what the algorithm takes.</param>
    /// <param name="algorithm">One of <see cref="KeyDescription.Algorithms"/>; null for the first.</param>
    /// <param name="raw">Whether the answer is the bare ciphertext, which names neither key nor version.</param>
    ValueTask<Encrypted> EncryptWith(string keyId, byte[] plaintext, string? algorithm, bool raw = false);

    /// <summary>
    /// Decrypts a bare ciphertext, which somebody encrypted with a public key (<see cref="ReadPublicKey"/>); since feature level 6. Errors:
    /// invalid_ciphertext, unsupported_algorithm; not_found, version_not_usable.
    /// </summary>
    /// <param name="keyId">An RSA key of usage encrypt_decrypt.</param>
    /// <param name="keyVersion">The version whose public key it was encrypted with.</param>
    /// <param name="ciphertext">The bare ciphertext.</param>
    /// <param name="algorithm">One of <see cref="KeyDescription.Algorithms"/>; null for the first.</param>
    ValueTask<Decrypted> DecryptRaw(string keyId, int keyVersion, byte[] ciphertext, string? algorithm = null);

    /// <summary>Decrypts with the key that the ciphertext names. Errors: invalid_ciphertext, version_not_usable.</summary>
    /// <param name="ciphertext">A ciphertext of any key.</param>
    /// <param name="associatedData">The associated data it was made with; null and empty are equal.</param>
    ValueTask<Decrypted> Decrypt(byte[] ciphertext, byte[]? associatedData = null);

    /// <summary>
    /// Re-encrypts under the primary version of the key that the ciphertext names; the plaintext stays in the silo.
    /// </summary>
    ValueTask<Encrypted> Rewrap(byte[] ciphertext, byte[]? associatedData = null);

    /// <summary>Moves a ciphertext to another key; the plaintext stays in the silos.</summary>
    /// <param name="ciphertext">A ciphertext of any key.</param>
    /// <param name="destinationKeyId">The key to encrypt with.</param>
    /// <param name="associatedData">The associated data it was made with; null and empty are equal.</param>
    /// <param name="destinationAssociatedData">That of the new ciphertext; or null.</param>
    Task<Reencrypted> Reencrypt(byte[] ciphertext, string destinationKeyId, byte[]? associatedData = null, byte[]? destinationAssociatedData = null);

    /// <summary>Signs with the primary version of a key whose usage is to sign; since feature level 5.</summary>
    /// <param name="keyId">The key.</param>
    /// <param name="item">The message or its digest, and how to sign it. Errors: unsupported_algorithm, invalid_parameter.</param>
    ValueTask<Signature> Sign(string keyId, SignItem item);

    /// <summary>
    /// Verifies a signature. One that is not valid is an answer, not an error. Whoever has the public key
    /// (<see cref="ReadPublicKey"/>) needs no call.
    /// </summary>
    /// <param name="keyId">The key.</param>
    /// <param name="item">The signature, what it is of, and the version that must have made it. Errors: not_found, version_not_usable.</param>
    ValueTask<Verified> Verify(string keyId, VerifyItem item);

    /// <summary>Reads a public key, to verify elsewhere. Error: wrong_key_usage for a key that has none.</summary>
    /// <param name="keyId">The key.</param>
    /// <param name="version">The version; null for the primary one.</param>
    Task<PublicKeyDescription> ReadPublicKey(string keyId, int? version = null);

    /// <summary>
    /// Makes a backup of a whole key, sealed for this installation. Errors: not_exportable for a key with protection hsm;
    /// key_pending_import, key_pending_deletion, key_destroyed.
    /// </summary>
    /// <param name="keyId">The key.</param>
    Task<KeyBackup> BackUpKey(string keyId);

    /// <summary>
    /// Restores a key under its own id, which must be free and never destroyed. Its versions only decrypt and verify from now on; a new
    /// primary version is made. Errors: invalid_parameter, key_exists, key_destroyed.
    /// </summary>
    /// <param name="backup">A backup that this installation made.</param>
    Task<KeyDescription> RestoreKey(byte[] backup);

    /// <summary>Generates a data key: in the clear, to encrypt with locally, and encrypted, to keep.</summary>
    /// <param name="keyId">The key that encrypts it.</param>
    /// <param name="bytes">Its length, 1 to <see cref="KmsLimits.DataKeyBytes"/> bytes.</param>
    /// <param name="associatedData">Required again to decrypt it; or null.</param>
    ValueTask<DataKey> GenerateDataKey(string keyId, int bytes = 32, byte[]? associatedData = null);

    /// <summary>Generates a data key pair: a key pair whose private key comes in the clear and encrypted, to keep.</summary>
    /// <param name="keyId">The key that encrypts its private key.</param>
    /// <param name="spec">The pair's spec: one of RSA, of an elliptic curve, of Ed25519 or X25519.</param>
    /// <param name="associatedData">Required again to decrypt it; or null.</param>
    ValueTask<DataKeyPair> GenerateDataKeyPair(string keyId, string spec, byte[]? associatedData = null);

    /// <summary>Makes the MAC of a message with the primary version.</summary>
    /// <param name="keyId">A key of usage mac.</param>
    /// <param name="message">The message, which may be empty.</param>
    ValueTask<GeneratedMac> GenerateMac(string keyId, byte[] message);

    /// <summary>Verifies a MAC, in constant time. Error: invalid_parameter for one of another length.</summary>
    /// <param name="keyId">A key of usage mac.</param>
    /// <param name="message">The message.</param>
    /// <param name="mac">The whole MAC.</param>
    /// <param name="keyVersion">The version that must have made it; null for any that may.</param>
    ValueTask<Verified> VerifyMac(string keyId, byte[] message, byte[] mac, int? keyVersion = null);

    /// <summary>Derives a key from a key of usage derive: the same from the same arguments and version.</summary>
    /// <param name="keyId">A key of usage derive.</param>
    /// <param name="context">What the derived key is for; not empty, at most <see cref="KmsLimits.DerivationContextBytes"/> bytes.</param>
    /// <param name="salt">The salt; null for none.</param>
    /// <param name="bytes">Its length, 1 to <see cref="KmsLimits.DerivedKeyBytes"/> bytes.</param>
    /// <param name="keyVersion">The version to derive from; null for the primary one.</param>
    ValueTask<Derived> DeriveKey(string keyId, byte[] context, byte[]? salt = null, int bytes = 32, int? keyVersion = null);

    /// <summary>Agrees with the owner of a public key on a secret, and derives a key from it (HKDF with SHA-256).</summary>
    /// <param name="keyId">A key of usage key_agreement.</param>
    /// <param name="publicKey">The other side's public key (SubjectPublicKeyInfo, DER).</param>
    /// <param name="context">What the derived key is for; null for none.</param>
    /// <param name="bytes">Its length, 1 to <see cref="KmsLimits.DerivedKeyBytes"/> bytes.</param>
    /// <param name="keyVersion">The version to agree by; null for the primary one.</param>
    ValueTask<Derived> AgreeOnKey(string keyId, byte[] publicKey, byte[]? context = null, int bytes = 32, int? keyVersion = null);

    /// <summary>Agrees with the owner of a public key on a secret, and returns that: it is no key, so derive one from it.</summary>
    /// <param name="keyId">A key of usage key_agreement.</param>
    /// <param name="publicKey">The other side's public key (SubjectPublicKeyInfo, DER).</param>
    /// <param name="keyVersion">The version to agree by; null for the primary one.</param>
    ValueTask<Derived> AgreeOnSecret(string keyId, byte[] publicKey, int? keyVersion = null);

    /// <summary>Draws random bytes from a silo.</summary>
    /// <param name="bytes">How many, 1 to <see cref="KmsLimits.RandomBytes"/>.</param>
    ValueTask<RandomBytes> DrawRandom(int bytes);

    /// <summary>
    /// Signs a token (JWS, RFC 7515) with the primary version; since feature level 6. Errors: wrong_key_usage, unsupported_algorithm,
    /// invalid_parameter.
    /// </summary>
    /// <param name="keyId">A key of usage <see cref="KeyUsage.Jws"/>.</param>
    /// <param name="payload">The payload, for a JWT its claims as JSON in UTF-8.</param>
    /// <param name="type">The header's <c>typ</c>, for example <c>JWT</c>; or null.</param>
    /// <param name="algorithm">One of <see cref="KeyDescription.Algorithms"/>; null for the first.</param>
    ValueTask<Jws> SignJws(string keyId, byte[] payload, string? type = null, string? algorithm = null);

    /// <summary>
    /// Makes a secret and encapsulates it for the primary version of a key; since feature level 6. Whoever has the public key
    /// (<see cref="ReadPublicKey"/>) needs no call.
    /// </summary>
    /// <param name="keyId">A key of usage encapsulate.</param>
    ValueTask<Encapsulated> Encapsulate(string keyId);

    /// <summary>
    /// Finds an encapsulated secret. Error: invalid_ciphertext, only for the wrong length: any other ciphertext that is not the key's
    /// leads to another secret.
    /// </summary>
    /// <param name="keyId">A key of usage encapsulate.</param>
    /// <param name="ciphertext">The encapsulated secret.</param>
    /// <param name="keyVersion">The version that it was made for; null for the primary one. Errors: not_found, version_not_usable.</param>
    ValueTask<Decapsulated> Decapsulate(string keyId, byte[] ciphertext, int? keyVersion = null);

    /// <summary>
    /// Creates a key that waits for its material: import it with <see cref="MakeImportParameters"/> and <see cref="ImportKey"/>.
    /// </summary>
    /// <param name="keyId">A new id; see <see cref="KeyId"/>.</param>
    /// <param name="spec">The key spec.</param>
    /// <param name="usage">What the key may be used for; null for the spec's default usage.</param>
    /// <param name="exportable">Whether the material may leave again, wrapped. This cannot be changed later.</param>
    /// <param name="description">Free text.</param>
    Task<KeyDescription> CreateExternalKey(
        string keyId, string spec = OrleansKms.CreateKey.DefaultSpec, KeyUsage? usage = null, bool exportable = false, string? description = null);

    /// <summary>Makes what to wrap material with, good for one import; since feature level 6. Errors: conflict, overloaded.</summary>
    /// <param name="keyId">A key of origin external.</param>
    Task<ImportParameters> MakeImportParameters(string keyId);

    /// <summary>Imports material as a new primary version. Error: invalid_parameter.</summary>
    /// <param name="keyId">A key of origin external.</param>
    /// <param name="importToken">Of the <see cref="MakeImportParameters"/> that were asked for last.</param>
    /// <param name="wrappedMaterial">The material; <see cref="OrleansKms.ImportKey.WrappedMaterial"/> says how it is wrapped.</param>
    Task<KeyDescription> ImportKey(string keyId, byte[] importToken, byte[] wrappedMaterial);

    /// <summary>Returns a version's material, wrapped; since feature level 6. Error: not_exportable.</summary>
    /// <param name="keyId">A key that was created exportable.</param>
    /// <param name="wrappingPublicKey">An RSA key (SubjectPublicKeyInfo, DER).</param>
    /// <param name="version">The version; null for the primary one.</param>
    Task<ExportedKey> ExportKey(string keyId, byte[] wrappingPublicKey, int? version = null);
}

namespace OrleansKms;

/// <summary>Forwards to the grains.</summary>
internal sealed class KmsClient(IGrainFactory grains, KmsClientOptions options) : IKmsClient
{
    // As many as one batch of the database takes.
    private const int CreatedAtOnce = 64;

    private readonly KmsCaller _caller = new(options.Principal);
    private readonly GrainReferences<IKeyGrain> _keys = new(grains);

    public IGrainFactory Grains { get; } = grains;

    public Caller NewCaller() => _caller.Next();

    public IKeyGrain Key(string keyId) => OrleansKms.KeyId.IsValid(keyId)
        ? _keys.Of(keyId)
        : throw KmsError.InvalidKeyId.Exception();

    public Task<KeyDescription> CreateKey(
        string keyId, string spec = OrleansKms.CreateKey.DefaultSpec, RotationPlan? rotation = null, string? description = null,
        IReadOnlyDictionary<string, string>? tags = null, KeyUsage? usage = null) =>
        Key(keyId).Create(
            new CreateKey
            {
                Caller = NewCaller(),
                Spec = spec,
                Usage = usage,
                Rotation = rotation,
                Description = description,
                Tags = tags,
                Within = options.ResponseTimeout,
            });

    public Task<ItemResult<KeyDescription>[]> CreateKeys(IReadOnlyList<KeyToCreate> keys) => keys.Count is > 0 and <= KmsLimits.BatchItems
        ? CreateAll(keys)
        : throw new ArgumentException($"There must be 1 to {KmsLimits.BatchItems} keys.", nameof(keys));

    public Task<KeyDescription> DescribeKey(string keyId) => Key(keyId).Describe(new KeyCommand(NewCaller()));

    public Task<KeyDescription> RotateKey(string keyId) => Key(keyId).Rotate(new KeyCommand(NewCaller()));

    public Task<KeyDescription> EnableKey(string keyId) => Key(keyId).Enable(new KeyCommand(NewCaller()));

    public Task<KeyDescription> DisableKey(string keyId) => Key(keyId).Disable(new KeyCommand(NewCaller()));

    public Task<KeyDescription> EnableKeyVersion(string keyId, int version) => Key(keyId).EnableVersion(new KeyVersionCommand(NewCaller(), version));

    public Task<KeyDescription> DisableKeyVersion(string keyId, int version) => Key(keyId).DisableVersion(new KeyVersionCommand(NewCaller(), version));

    public Task<KeyDescription> ScheduleKeyDeletion(string keyId, TimeSpan after) =>
        Key(keyId).ScheduleDeletion(new ScheduleDeletion(NewCaller(), after));

    public Task<KeyDescription> CancelKeyDeletion(string keyId) => Key(keyId).CancelDeletion(new KeyCommand(NewCaller()));

#if !OKMS_FEATURE_LEVEL_1
    public Task<KeyDescription> ScheduleVersionDestruction(string keyId, int version, TimeSpan? after = null) =>
        Versions(keyId).ScheduleDestruction(new ScheduleVersionDestruction(NewCaller(), version, after));

    public Task<KeyDescription> CancelVersionDestruction(string keyId, int version) =>
        Versions(keyId).CancelDestruction(new KeyVersionCommand(NewCaller(), version));

    private IKeyVersionsGrain Versions(string keyId) => OrleansKms.KeyId.IsValid(keyId)
        ? Grains.GetGrain<IKeyVersionsGrain>(keyId)
        : throw KmsError.InvalidKeyId.Exception();
#endif

    public Task<KeyHistoryPage> ReadKeyHistory(string keyId, int limit = KmsLimits.DefaultPageItems, string? after = null) =>
        (OrleansKms.KeyId.IsValid(keyId) ? Grains.GetGrain<IKeyHistoryGrain>(keyId) : throw KmsError.InvalidKeyId.Exception())
        .Read(new ReadKeyHistory(NewCaller(), limit, after));

    public ValueTask<Encrypted> Encrypt(string keyId, byte[] plaintext, byte[]? associatedData = null) =>
        Key(keyId).Encrypt(new Encrypt(NewCaller(), plaintext, associatedData));

    public ValueTask<Encrypted> EncryptWith(string keyId, byte[] plaintext, string? algorithm, bool raw = false) =>
        Of<IKeyEncryptionGrain>(keyId).Encrypt(new Encrypt(NewCaller(), plaintext) { Algorithm = algorithm, Raw = raw });

    public ValueTask<Decrypted> DecryptRaw(string keyId, int keyVersion, byte[] ciphertext, string? algorithm = null) =>
        Of<IKeyEncryptionGrain>(keyId).Decrypt(
            new Decrypt(NewCaller(), ciphertext) { Algorithm = algorithm, Raw = true, KeyVersion = keyVersion });

    public ValueTask<Decrypted> Decrypt(byte[] ciphertext, byte[]? associatedData = null) =>
        KeyOf(ciphertext).Decrypt(new Decrypt(NewCaller(), ciphertext, associatedData));

    public ValueTask<Encrypted> Rewrap(byte[] ciphertext, byte[]? associatedData = null) =>
        KeyOf(ciphertext).Rewrap(new Decrypt(NewCaller(), ciphertext, associatedData));

    public Task<Reencrypted> Reencrypt(
        byte[] ciphertext, string destinationKeyId, byte[]? associatedData = null, byte[]? destinationAssociatedData = null) =>
        OrleansKms.KeyId.IsValid(destinationKeyId)
            ? Grains.GetGrain<IReencryptionGrain>(0).Reencrypt(new(NewCaller(), ciphertext, associatedData, destinationKeyId, destinationAssociatedData))
            : throw KmsError.InvalidKeyId.Exception();

    public ValueTask<DataKey> GenerateDataKey(string keyId, int bytes = 32, byte[]? associatedData = null) =>
        Key(keyId).GenerateDataKey(new GenerateDataKey(NewCaller(), bytes, WithPlaintext: true, associatedData));

    public ValueTask<Signature> Sign(string keyId, SignItem item) => Of<IKeySignaturesGrain>(keyId).Sign(new Sign(NewCaller(), item) { Within = options.ResponseTimeout });

    public ValueTask<Verified> Verify(string keyId, VerifyItem item) => Of<IKeySignaturesGrain>(keyId).Verify(new Verify(NewCaller(), item) { Within = options.ResponseTimeout });

    public Task<PublicKeyDescription> ReadPublicKey(string keyId, int? version = null) =>
        Of<IPublicKeyGrain>(keyId).Read(new ReadPublicKey(NewCaller(), version));

    public Task<KeyBackup> BackUpKey(string keyId) => Of<IKeyBackupsGrain>(keyId).BackUp(new(NewCaller()));

    public Task<KeyDescription> RestoreKey(byte[] backup) => BackupHeader.TryRead(backup, out var header)
        ? Of<IKeyBackupsGrain>(header.KeyId).Restore(new(NewCaller(), backup) { Within = options.ResponseTimeout })
        : throw KmsError.InvalidParameter.Exception("The backup is not valid.");

    public ValueTask<DataKeyPair> GenerateDataKeyPair(string keyId, string spec, byte[]? associatedData = null) =>
        Of<IKeyPairsGrain>(keyId).Generate(new(NewCaller(), spec, WithPlaintext: true, associatedData) { Within = options.ResponseTimeout });

    public ValueTask<GeneratedMac> GenerateMac(string keyId, byte[] message) =>
        Of<IKeyMacsGrain>(keyId).Generate(new(NewCaller(), new(message)));

    public ValueTask<Verified> VerifyMac(string keyId, byte[] message, byte[] mac, int? keyVersion = null) =>
        Of<IKeyMacsGrain>(keyId).Verify(new(NewCaller(), new(message, mac, keyVersion)) { Within = options.ResponseTimeout });

    public ValueTask<Derived> DeriveKey(string keyId, byte[] context, byte[]? salt = null, int bytes = 32, int? keyVersion = null) =>
        Of<IKeyDerivationGrain>(keyId).Derive(
            new() { Caller = NewCaller(), Context = context, Salt = salt, Bytes = bytes, KeyVersion = keyVersion });

    public ValueTask<Derived> AgreeOnKey(string keyId, byte[] publicKey, byte[]? context = null, int bytes = 32, int? keyVersion = null) =>
        Of<IKeyDerivationGrain>(keyId).Derive(
            new() { Caller = NewCaller(), PublicKey = publicKey, Context = context, Bytes = bytes, KeyVersion = keyVersion });

    public ValueTask<Derived> AgreeOnSecret(string keyId, byte[] publicKey, int? keyVersion = null) =>
        Of<IKeyDerivationGrain>(keyId).Derive(new() { Caller = NewCaller(), PublicKey = publicKey, Raw = true, KeyVersion = keyVersion });

    public ValueTask<RandomBytes> DrawRandom(int bytes) => Grains.GetGrain<IRandomGrain>(0).Draw(new(NewCaller(), bytes));

    public ValueTask<Jws> SignJws(string keyId, byte[] payload, string? type = null, string? algorithm = null) =>
        Of<IKeyJwsGrain>(keyId).Sign(new SignJws(NewCaller(), payload, type, algorithm));

    public ValueTask<Encapsulated> Encapsulate(string keyId) => Of<IKeyEncapsulationGrain>(keyId).Encapsulate(new(NewCaller()));

    public ValueTask<Decapsulated> Decapsulate(string keyId, byte[] ciphertext, int? keyVersion = null) =>
        Of<IKeyEncapsulationGrain>(keyId).Decapsulate(new(NewCaller(), ciphertext, keyVersion));

    public Task<KeyDescription> CreateExternalKey(
        string keyId, string spec = OrleansKms.CreateKey.DefaultSpec, KeyUsage? usage = null, bool exportable = false, string? description = null) =>
        Key(keyId).Create(
            new CreateKey
            {
                Caller = NewCaller(),
                Spec = spec,
                Usage = usage,
                Exportable = exportable,
                Description = description,
                Origin = KeyOrigin.External,
                Within = options.ResponseTimeout,
            });

    public Task<ImportParameters> MakeImportParameters(string keyId) =>
        Of<IKeyImportGrain>(keyId).MakeParameters(new(NewCaller()) { Within = options.ResponseTimeout });

    public Task<KeyDescription> ImportKey(string keyId, byte[] importToken, byte[] wrappedMaterial) =>
        Of<IKeyImportGrain>(keyId).Import(new(NewCaller(), importToken, wrappedMaterial));

    public Task<ExportedKey> ExportKey(string keyId, byte[] wrappingPublicKey, int? version = null) =>
        Of<IKeyExportGrain>(keyId).Export(new(NewCaller(), wrappingPublicKey, version));

    private async Task<ItemResult<KeyDescription>[]> CreateAll(IReadOnlyList<KeyToCreate> keys)
    {
        using var places = new SemaphoreSlim(CreatedAtOnce);
        return await Task.WhenAll(keys.Select(async key =>
        {
            await places.WaitAsync();
            try
            {
                return await TryCreate(key);
            }
            finally
            {
                places.Release();
            }
        }));
    }

    private async Task<ItemResult<KeyDescription>> TryCreate(KeyToCreate key)
    {
        try
        {
            return new(await Key(key.KeyId).Create(new()
            {
                Caller = NewCaller(),
                Spec = key.Spec,
                Usage = key.Usage,
                Rotation = key.Rotation,
                Description = key.Description,
                Tags = key.Tags,
                Exportable = key.Exportable,
                Protection = key.Protection,
                Origin = key.Origin,
                Within = options.ResponseTimeout,
            }), null);
        }
        catch (KmsException e)
        {
            return new(null, new(e.Code, e.Message));
        }
        catch (TimeoutException)
        {
            return new(null, new(KmsError.Timeout.Code, KmsError.Timeout.Title));
        }
        catch (OrleansException)
        {
            return new(null, new(KmsError.Unavailable.Code, KmsError.Unavailable.Title));
        }
    }

    private TGrain Of<TGrain>(string keyId)
        where TGrain : IGrainWithStringKey =>
        OrleansKms.KeyId.IsValid(keyId) ? Grains.GetGrain<TGrain>(keyId) : throw KmsError.InvalidKeyId.Exception();

    private IKeyGrain KeyOf(byte[] ciphertext) => CiphertextHeader.TryRead(ciphertext, out var header)
        ? Key(header.KeyId)
        : throw KmsError.InvalidCiphertext.Exception();
}

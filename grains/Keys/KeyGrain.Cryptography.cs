using System.Security.Cryptography;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Usage;

namespace OrleansKms.Grains.Keys;

// The data plane. What is ready is answered at once and without an await; what is not is prepared first.
public sealed partial class KeyGrain
{
    private EncryptPath? _encryptPath;

    /// <summary>
    /// What an encryption needs when nothing stands in its way: that the key and its primary version are usable was checked
    /// when this was made, and whatever changes that forgets it.
    /// </summary>
    private sealed record EncryptPath(
        IEncrypts Version, IEncryptsAtOnce? AtOnce, UsageMeter Meter, UsagePolicy Policy, long RotateAtTicks);

    /// <inheritdoc/>
    public ValueTask<Encrypted> Encrypt(Encrypt request)
    {
        CallInstruments.Count(request.Caller, KmsOperation.Encrypt);
        var startedAt = KeyInstruments.StartOfEncryption();
        try
        {
            KeyRequestRules.CheckPlaintext(request.Plaintext, request.AssociatedData, _options.MaxPlaintextBytes);
            if (EncryptAtOnce(request.Kind, request.Plaintext, request.AssociatedData, startedAt) is { } encrypted
                && _mark is null or { MayAnswer: true })
            {
                KeyInstruments.Encrypted(_keyTag);
                return new(encrypted);
            }
        }
        catch (Exception e)
        {
            var failure = Translated(e);
            EndIfAbsent();
            KeyInstruments.EncryptionFailed(KeyTag, failure.Code);
            throw failure;
        }

        return Counted(async () =>
        {
            return await EncryptWhenReady(request.Kind, request.Plaintext, request.AssociatedData, wanted: 1, startedAt);
        });
    }

    /// <inheritdoc/>
    public ValueTask<Encrypted> Rewrap(Decrypt request) => Counted(async () =>
    {
        CallInstruments.Count(request.Caller, KmsOperation.Rewrap);
        var startedAt = KeyInstruments.StartOfEncryption();
        return await RewrapOne(request.Ciphertext, request.AssociatedData, wanted: 1, startedAt);
    });

    /// <inheritdoc/>
    public ValueTask<DataKey> GenerateDataKey(GenerateDataKey request) => Counted(async () =>
    {
        CallInstruments.Count(request.Caller, KmsOperation.GenerateDataKey);
        var startedAt = KeyInstruments.StartOfEncryption();
        if (request.Bytes is < 1 or > KmsLimits.DataKeyBytes)
        {
            throw KmsError.InvalidParameter.Exception($"bytes must be 1 to {KmsLimits.DataKeyBytes}.");
        }

        KeyRequestRules.CheckAssociatedData(request.AssociatedData);
        var dataKey = RandomNumberGenerator.GetBytes(request.Bytes);
        byte[]? shown = null;
        try
        {
            var encrypted = await EncryptWhenReady(CiphertextKind.DataKey, dataKey, request.AssociatedData, wanted: 1, startedAt);
            shown = request.WithPlaintext ? dataKey : null;
            return new DataKey(encrypted.KeyVersion, shown, encrypted.Ciphertext);
        }
        finally
        {
            if (shown is null)
            {
                CryptographicOperations.ZeroMemory(dataKey);
            }
        }
    });

    /// <inheritdoc/>
    public ValueTask<Decrypted> Decrypt(Decrypt request)
    {
        CallInstruments.Count(request.Caller, KmsOperation.Decrypt);
        try
        {
            KeyRequestRules.CheckAssociatedData(request.AssociatedData);
            if (DecryptAtOnce(request.Ciphertext, request.AssociatedData) is { } decrypted)
            {
                if (_mark is null or { MayAnswer: true })
                {
                    KeyInstruments.Decrypted(_keyTag);
                    return new(decrypted);
                }

                CryptographicOperations.ZeroMemory(decrypted.Plaintext);
            }

            return DecryptSlowly(request.Ciphertext, request.AssociatedData);
        }
        catch (Exception e)
        {
            var failure = Translated(e);
            EndIfAbsent();
            KeyInstruments.DecryptionFailed(KeyTag, failure.Code);
            throw failure;
        }
    }

    private async Task<Encrypted> RewrapOne(byte[] ciphertext, byte[]? associatedData, long wanted, long startedAt)
    {
        KeyRequestRules.CheckAssociatedData(associatedData);
        var decrypted = await DecryptWhenReady(ciphertext, associatedData);
        try
        {
            return await EncryptWhenReady(decrypted.Kind, decrypted.Plaintext, associatedData, wanted, startedAt);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(decrypted.Plaintext);
        }
    }

    /// <summary>
    /// Rewraps without waiting. The answer may be out of date. Null where something has to be prepared first; then nothing was
    /// done or counted, since the ciphertext is opened only once a use is there to spend.
    /// </summary>
    private Encrypted? RewrapAtOnce(byte[] ciphertext, byte[]? associatedData, long startedAt)
    {
        KeyRequestRules.CheckAssociatedData(associatedData);
        if (Ready() is not { AtOnce: { } version, Meter.CanSpend: true } path
            || DecryptAtOnce(ciphertext, associatedData) is not { } decrypted)
        {
            return null;
        }

        try
        {
            return path.Meter.TrySpend()
                ? Spent(path, version.EncryptToArray(decrypted.Kind, decrypted.Plaintext, associatedData), decrypted.Plaintext.Length, startedAt)
                : throw new InvalidOperationException("internal error: a reserved use cannot be spent.");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(decrypted.Plaintext);
        }
    }

    /// <summary>What an encryption needs besides a use to spend; null where something has to be prepared first.</summary>
    private EncryptPath? Ready() =>
        _encryptPath is { } path && !_slot.NeedsRead && (IsBefore(path.RotateAtTicks) || !MayRotateByTime) ? path : null;

    /// <summary>Whether a time is yet to come. Most keys rotate at no time, and the clock costs as much as all the rest of the check.</summary>
    private bool IsBefore(long ticks) => ticks == long.MaxValue || _time.GetUtcNow().UtcTicks < ticks;

    /// <summary>Spends a use without waiting, if everything is ready.</summary>
    private EncryptPath? TrySpend() => Ready() is { } path && path.Meter.TrySpend() ? path : null;

    /// <summary>Encrypts without waiting; null where something has to be prepared first. The answer may be out of date.</summary>
    private Encrypted? EncryptAtOnce(CiphertextKind kind, byte[] plaintext, byte[]? associatedData, long startedAt) =>
        _encryptPath is { AtOnce: { } version } && TrySpend() is { } path
            ? Spent(path, version.EncryptToArray(Existing(kind), plaintext, associatedData), plaintext.Length, startedAt)
            : null;

    /// <summary>
    /// Encrypts, and prepares that first where it must. Between a preparation and its use lies an await, in which a lost race
    /// can close the version; so spending and beginning are one step without an await, and are tried again.
    /// </summary>
    private async Task<Encrypted> EncryptWhenReady(
        CiphertextKind kind, byte[] plaintext, byte[]? associatedData, long wanted, long startedAt)
    {
        while (true)
        {
            if (TrySpend() is { } path)
            {
                var ciphertext = await WhenAnswered(
                    path.Version.Encrypt(Existing(kind), plaintext, associatedData), row => KeyUsability.RequireVersion(row, path.Version.Version));
                return Spent(path, ciphertext, plaintext.Length, startedAt);
            }

            if (!await RotateIfOverdue())
            {
                using (await _turns.Begin())
                {
                    await PrepareEncryption(wanted);
                }
            }
        }
    }

    /// <summary>Makes an encryption possible, by whatever it takes: a read, a rotation that must be, a reservation.</summary>
    private async Task PrepareEncryption(long wanted)
    {
        while (true)
        {
            var row = await Current();
            KeyUsability.Require(row, KeyUsage.EncryptDecrypt);
            await _usage.Load(row.Incarnation);
            var meter = _usage.Meter(row.PrimaryVersion);
            KeyUsability.RequireImportSinceRestore(row, _epoch);
            var policy = Policy(row);
            switch (KeyRotation.DueBeforeEncryption(row, _epoch, meter.Spent, policy.RotateAt))
            {
                case RotationDue.SinceRestore:
                    await RotateNow(row, _self, "rotate-after-restore");
                    continue;
                case RotationDue.ByUse:
                    await RotateNow(row, _self, "rotate-by-plan");
                    continue;
            }

            KeyUsability.RequirePrimary(row);
            if (meter.Spent >= policy.RefuseAt)
            {
                throw KmsError.KeyExhausted.Exception();
            }

            // A plan that was changed may have put a threshold below what is reserved.
            meter.SpendUntil = Math.Min(meter.SpendUntil, policy.NextThreshold(meter.Spent));
            if (meter.Spent >= meter.SpendUntil)
            {
                await _usage.Reserve(meter, policy, row.Incarnation, wanted);
            }

            if (await OpenVersion(row.PrimaryVersion) is { } version && ReferenceEquals(row, _slot.Row) && !_slot.NeedsRead)
            {
                var encrypts = version.Require<IEncrypts>();
                _encryptPath = new(encrypts, encrypts as IEncryptsAtOnce, meter, policy, row.NextRotationAt?.UtcTicks ?? long.MaxValue);
                return;
            }
        }
    }

    private static CiphertextKind Existing(CiphertextKind kind) =>
        kind is < CiphertextKind.Data or > CiphertextKind.DataKeyPair ? throw KmsError.InvalidParameter.Exception() : kind;

    /// <summary>Counts an encryption that was made.</summary>
    private Encrypted Spent(EncryptPath path, byte[] ciphertext, int plaintextLength, long startedAt)
    {
        path.Meter.CountBytes(plaintextLength, _time.GetUtcNow().UtcTicks);
        SaveSoon();
        KeyInstruments.EncryptionMade(_keyTag, startedAt);

        // Last: a renewal can fail at once, as a lost race, and that closes the version. And not by a policy that has changed since.
        if (ReferenceEquals(path, _encryptPath)
            && _usage.RenewInBackground(path.Meter, path.Policy, _slot.Row!.Incarnation) is { } renewal)
        {
            _ = Observe(renewal);
        }

        return new(path.Version.Version, ciphertext);
    }

    private bool TryReadHeader(byte[]? ciphertext, out CiphertextHeader header) =>
        CiphertextHeader.TryRead(ciphertext, out header) && header.KeyId == Id;

    /// <summary>The version that a header names, if it is open and nothing forbids its use.</summary>
    private IKeyVersion? FindUsable(in CiphertextHeader header) =>
        _slot is { NeedsRead: false, Row: { State: KeyState.Enabled } row } && header.KeyVersion >= row.MinDecryptVersion
            ? _ciphers.Find(header.KeyVersion)
            : null;

    /// <summary>Decrypts without waiting; null where something has to be prepared first. The answer may be out of date.</summary>
    private Decrypted? DecryptAtOnce(byte[] ciphertext, byte[]? associatedData) =>
        TryReadHeader(ciphertext, out var header) && FindUsable(header) is IEncryptsAtOnce version
            ? Decrypted(header, version.DecryptToArray(header, ciphertext, associatedData))
            : null;

    /// <summary>
    /// Decrypts, and opens the version first where it must; in one step, as <see cref="EncryptWhenReady"/>. What a ciphertext is
    /// inside is looked at last: whether the key is there and may be used does not depend on it.
    /// </summary>
    private async Task<Decrypted> DecryptWhenReady(byte[] ciphertext, byte[]? associatedData)
    {
        while (true)
        {
            var row = await Load();
            KeyUsability.Require(row, KeyUsage.EncryptDecrypt);
            if (!TryReadHeader(ciphertext, out var header))
            {
                throw KmsError.InvalidCiphertext.Exception();
            }

            if (FindUsable(header) is { } version)
            {
                return Decrypted(header, await WhenAnswered(
                    version.Require<IEncrypts>().Decrypt(header, ciphertext, associatedData), row => KeyUsability.RequireDecrypts(row, header.KeyVersion)));
            }

            KeyUsability.RequireDecrypts(row, header.KeyVersion);
            await OpenVersion(header.KeyVersion);
        }
    }

    /// <summary>Counts a decryption that was made.</summary>
    private Decrypted Decrypted(in CiphertextHeader header, byte[]? opened)
    {
        var plaintext = opened ?? throw KmsError.InvalidCiphertext.Exception();
        _usage.Meter(header.KeyVersion).CountDecryption(plaintext.Length, _time.GetUtcNow().UtcTicks);
        SaveSoon();
        return new(header.KeyVersion, header.Kind, plaintext);
    }

    private async ValueTask<Decrypted> DecryptSlowly(byte[] ciphertext, byte[]? associatedData)
    {
        try
        {
            var decrypted = await Guarded(() => DecryptWhenReady(ciphertext, associatedData), isRepeatable: true);
            KeyInstruments.Decrypted(_keyTag);
            return decrypted;
        }
        catch (KmsException e)
        {
            KeyInstruments.DecryptionFailed(KeyTag, e.Code);
            throw;
        }
    }

    /// <summary>Opens a version by the newest row, and not by what the caller has checked, which may have changed since.</summary>
    /// <returns>Null when it is not to be used, or was closed again meanwhile: the caller checks anew.</returns>
    private async ValueTask<IKeyVersion?> OpenVersion(int version)
    {
        var row = await Load();
        return row.State == KeyState.Enabled && KeyUsability.IsEnabled(row, version)
            ? await _ciphers.Open(row, version)
            : null;
    }

    private void ForgetEncryptPath() => _encryptPath = null;

    /// <summary>Runs an encryption that may wait, and counts it once its answer may leave, or its failure.</summary>
    private async ValueTask<T> Counted<T>(Func<Task<T>> operation)
    {
        try
        {
            var answer = await Guarded(operation, isRepeatable: true);
            KeyInstruments.Encrypted(_keyTag);
            return answer;
        }
        catch (KmsException e)
        {
            KeyInstruments.EncryptionFailed(KeyTag, e.Code);
            throw;
        }
    }
}

namespace OrleansKms.Gateway.Operations;

/// <summary>Encrypts, with a key that the caller is authorized for.</summary>
internal static class Encryption
{
    /// <summary>Encrypts one plaintext under the primary version.</summary>
    /// <param name="call">The request.</param>
    /// <param name="key">The key.</param>
    /// <param name="plaintext">The plaintext.</param>
    /// <param name="associatedData">Authenticated with it.</param>
    /// <param name="algorithm">One of the key's algorithms; null for the first.</param>
    /// <param name="raw">Whether the answer is the bare ciphertext.</param>
    public static ValueTask<Encrypted> Encrypt(
        Call call, string key, byte[] plaintext, byte[]? associatedData, string? algorithm = null, bool? raw = null)
    {
        var judged = call.Judge(KmsOperation.Encrypt, key, associatedData, CiphertextKind.Data);
        return judged.IsCompletedSuccessfully
            ? Send(call, key, plaintext, associatedData, algorithm, raw ?? false)
            : WhenJudged(judged, call, key, plaintext, associatedData, algorithm, raw ?? false);
    }

    /// <summary>Encrypts many; each fails or succeeds separately.</summary>
    public static async ValueTask<ItemResult<Encrypted>[]> EncryptMany(Call call, string key, EncryptItem[] items)
    {
        var judge = await call.JudgeOfItems(KmsOperation.Encrypt, key);
        return await Many.Run(
            call, KmsOperation.Encrypt, key, items,
            item => judge.Refusal(item.AssociatedData, CiphertextKind.Data) ?? Checks.OfPlaintext(call.Limits, item.Plaintext, item.AssociatedData),
            good => Send(call, key, new EncryptBatch(call.Caller, good)));
    }

    /// <summary>Re-encrypts a ciphertext under the primary version; the plaintext stays in the grain.</summary>
    public static async ValueTask<Encrypted> Rewrap(Call call, string key, byte[] ciphertext, byte[]? associatedData)
    {
        await call.Judge(KmsOperation.Rewrap, key, associatedData, AccessContext.KindOf(ciphertext));
        Checks.OfCiphertext(ciphertext, associatedData).Refuse();
        return await call.InTime(call.Key(key).Rewrap(new Decrypt(call.Caller, ciphertext, associatedData)));
    }

    /// <summary>Rewraps many; each fails or succeeds separately.</summary>
    public static async ValueTask<ItemResult<Encrypted>[]> RewrapMany(Call call, string key, DecryptItem[] items)
    {
        var judge = await call.JudgeOfItems(KmsOperation.Rewrap, key);
        return await Many.Run(
            call, KmsOperation.Rewrap, key, items,
            item => judge.Refusal(item) ?? Checks.OfCiphertext(item.Ciphertext, item.AssociatedData),
            good => call.InTime(call.Key(key).RewrapBatch(new DecryptBatch(call.Caller, good) { Within = Decryption.TimeOfBatch(call) })));
    }

    /// <summary>Generates a data key.</summary>
    /// <param name="call">The request.</param>
    /// <param name="key">The key that encrypts it.</param>
    /// <param name="bytes">Its length; null for the default.</param>
    /// <param name="plaintext">Whether to return it in the clear too; null for yes.</param>
    /// <param name="associatedData">Authenticated with the ciphertext.</param>
    public static async ValueTask<DataKey> GenerateDataKey(Call call, string key, int? bytes, bool? plaintext, byte[]? associatedData)
    {
        await call.Judge(KmsOperation.GenerateDataKey, key, associatedData, CiphertextKind.DataKey);
        if (bytes is < 1 or > KmsLimits.DataKeyBytes)
        {
            throw KmsError.InvalidParameter.Exception($"'bytes' must be 1 to {KmsLimits.DataKeyBytes}.");
        }

        Checks.OfAssociatedData(associatedData).Refuse();
        return await call.InTime(call.Key(key).GenerateDataKey(
            new GenerateDataKey(call.Caller, bytes ?? KmsLimits.DefaultDataKeyBytes, plaintext ?? true, associatedData)));
    }

    /// <summary>Generates a data key pair.</summary>
    /// <param name="call">The request.</param>
    /// <param name="key">The key that encrypts its private key.</param>
    /// <param name="spec">The pair's spec.</param>
    /// <param name="plaintext">Whether to return the private key in the clear too; null for yes.</param>
    /// <param name="associatedData">Authenticated with the ciphertext.</param>
    public static async ValueTask<DataKeyPair> GenerateDataKeyPair(Call call, string key, string spec, bool? plaintext, byte[]? associatedData)
    {
        await call.Judge(KmsOperation.GenerateDataKeyPair, key, associatedData, CiphertextKind.DataKeyPair);
        Checks.OfAssociatedData(associatedData).Refuse();
        return await NewSilos.Ask(() => call.InTime(call.Services.Grains.GetGrain<IKeyPairsGrain>(key)
            .Generate(new(call.Caller, spec, plaintext ?? true, associatedData) { Within = call.Remaining })));
    }

    private static ValueTask<Encrypted> Send(Call call, string key, byte[] plaintext, byte[]? associatedData, string? algorithm, bool raw)
    {
        Checks.OfPlaintext(call.Limits, plaintext, associatedData).Refuse();
        var request = new Encrypt(call.Caller, plaintext, associatedData) { Algorithm = algorithm, Raw = raw };
        return algorithm is null && !raw ? call.InTime(call.Key(key).Encrypt(request)) : SendWithOptions(call, key, request);
    }

    // Older silos would pass over the options. Separate, so that a call without any pays nothing for it.
    private static ValueTask<Encrypted> SendWithOptions(Call call, string key, Encrypt request) =>
        NewSilos.Ask(() => call.InTime(call.Services.Encryption.Of(key).Encrypt(request)));

    private static ValueTask<ItemResult<Encrypted>[]> Send(Call call, string key, EncryptBatch batch) =>
        Array.Exists(batch.Items, item => item is not { Algorithm: null, Raw: false })
            ? NewSilos.Ask(() => call.InTime(call.Services.Encryption.Of(key).EncryptBatch(batch)))
            : call.InTime(call.Key(key).EncryptBatch(batch));

    // Separate, so that a call that need not wait pays nothing for it.
    private static async ValueTask<Encrypted> WhenJudged(
        ValueTask judged, Call call, string key, byte[] plaintext, byte[]? associatedData, string? algorithm, bool raw)
    {
        await judged;
        return await Send(call, key, plaintext, associatedData, algorithm, raw);
    }
}

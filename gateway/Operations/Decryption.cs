using OrleansKms.Gateway.Cluster;

namespace OrleansKms.Gateway.Operations;

/// <summary>Decrypts, with a key that the caller is authorized for.</summary>
internal static class Decryption
{
    /// <summary>Decrypts one ciphertext.</summary>
    public static ValueTask<Decrypted> Decrypt(Call call, string key, byte[] ciphertext, byte[]? associatedData)
    {
        var judged = call.Judge(KmsOperation.Decrypt, key, associatedData, AccessContext.KindOf(ciphertext));
        return judged.IsCompletedSuccessfully
            ? Send(call, key, ciphertext, associatedData)
            : WhenJudged(judged, call, key, ciphertext, associatedData);
    }

    /// <summary>Decrypts one ciphertext, of which the request may say more than it does itself.</summary>
    public static ValueTask<Decrypted> Decrypt(Call call, string key, DecryptItem item) =>
        item is { Algorithm: null, Raw: false, KeyVersion: null }
            ? Decrypt(call, key, item.Ciphertext, item.AssociatedData)
            : DecryptWithOptions(call, key, item);

    /// <summary>Decrypts many; each fails or succeeds separately.</summary>
    public static async ValueTask<ItemResult<Decrypted>[]> DecryptMany(Call call, string key, DecryptItem[] items)
    {
        var judge = await call.JudgeOfItems(KmsOperation.Decrypt, key);
        return await Many.Run(
            call, KmsOperation.Decrypt, key, items,
            item => judge.Refusal(item) ?? Checks.OfDecryption(item),
            good => Send(call, key, new DecryptBatch(call.Caller, good) { Within = TimeOfBatch(call) }));
    }

    /// <summary>How long a silo works on a batch of ciphertexts: as long as a call may take, not to be repeated while it is under way.</summary>
    public static TimeSpan TimeOfBatch(Call call) =>
        call.Remaining < RepeatedCalls.DataPlanePatience ? call.Remaining : RepeatedCalls.DataPlanePatience;

    /// <summary>The key that a ciphertext names. Authorizes the decryption with it.</summary>
    /// <exception cref="KmsException">payload_too_large, invalid_ciphertext, permission_denied.</exception>
    public static ValueTask<string> FindKey(Call call, byte[] ciphertext, byte[]? associatedData)
    {
        Checks.OfCiphertext(ciphertext, associatedData).Refuse();
        return CiphertextHeader.TryRead(ciphertext, out var header)
            ? call.ResolveKey(header.KeyId, KmsOperation.Decrypt)
            : throw KmsError.InvalidCiphertext.Exception();
    }

    /// <summary>Decrypts with the key that the ciphertext names, and logs that key.</summary>
    public static async Task<(string Key, Decrypted Value)> DecryptByCiphertext(Call call, byte[] ciphertext, byte[]? associatedData)
    {
        call.KeyId = await FindKey(call, ciphertext, associatedData);
        return (call.KeyId, await Decrypt(call, call.KeyId, ciphertext, associatedData));
    }

    private static ValueTask<Decrypted> Send(Call call, string key, byte[] ciphertext, byte[]? associatedData)
    {
        Checks.OfCiphertext(ciphertext, associatedData).Refuse();
        return call.InTime(call.Key(key).Decrypt(new Decrypt(call.Caller, ciphertext, associatedData)));
    }

    // Older silos would pass over the options.
    private static async ValueTask<Decrypted> DecryptWithOptions(Call call, string key, DecryptItem item)
    {
        await call.Judge(KmsOperation.Decrypt, key, item.AssociatedData, AccessContext.KindOf(item.Ciphertext, item.Raw));
        Checks.OfDecryption(item).Refuse();
        var request = new Decrypt(call.Caller, item.Ciphertext, item.AssociatedData)
        {
            Algorithm = item.Algorithm,
            Raw = item.Raw,
            KeyVersion = item.KeyVersion,
        };
        return await NewSilos.Ask(() => call.InTime(call.Services.Encryption.Of(key).Decrypt(request)));
    }

    private static ValueTask<ItemResult<Decrypted>[]> Send(Call call, string key, DecryptBatch batch) =>
        Array.Exists(batch.Items, item => item is not { Algorithm: null, Raw: false, KeyVersion: null })
            ? NewSilos.Ask(() => call.InTime(call.Services.Encryption.Of(key).DecryptBatch(batch)))
            : call.InTime(call.Key(key).DecryptBatch(batch));

    // Separate, so that a call that need not wait pays nothing for it.
    private static async ValueTask<Decrypted> WhenJudged(ValueTask judged, Call call, string key, byte[] ciphertext, byte[]? associatedData)
    {
        await judged;
        return await Send(call, key, ciphertext, associatedData);
    }
}

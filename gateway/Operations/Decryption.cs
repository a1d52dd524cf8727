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

    /// <summary>Decrypts many; each fails or succeeds separately.</summary>
    public static async ValueTask<ItemResult<Decrypted>[]> DecryptMany(Call call, string key, DecryptItem[] items)
    {
        var judge = await call.JudgeOfItems(KmsOperation.Decrypt, key);
        return await Many.Run(
            call, KmsOperation.Decrypt, key, items,
            item => judge.Refusal(item) ?? Checks.OfCiphertext(item.Ciphertext, item.AssociatedData),
            good => call.InTime(call.Key(key).DecryptBatch(new DecryptBatch(call.Caller, good))));
    }

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

    // Separate, so that a call that need not wait pays nothing for it.
    private static async ValueTask<Decrypted> WhenJudged(ValueTask judged, Call call, string key, byte[] ciphertext, byte[]? associatedData)
    {
        await judged;
        return await Send(call, key, ciphertext, associatedData);
    }
}

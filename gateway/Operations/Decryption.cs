namespace OrleansKms.Gateway.Operations;

/// <summary>Decrypts, with a key that the caller is authorized for.</summary>
internal static class Decryption
{
    /// <summary>Decrypts one ciphertext.</summary>
    public static ValueTask<Decrypted> Decrypt(Call call, string key, byte[] ciphertext, byte[]? associatedData)
    {
        Checks.OfCiphertext(ciphertext, associatedData).Refuse();
        return call.InTime(call.Key(key).Decrypt(new Decrypt(call.Caller, ciphertext, associatedData)));
    }

    /// <summary>Decrypts many; each fails or succeeds separately.</summary>
    public static ValueTask<ItemResult<Decrypted>[]> DecryptMany(Call call, string key, DecryptItem[] items) => Many.Run(
        call, KmsOperation.Decrypt, key, items,
        item => Checks.OfCiphertext(item.Ciphertext, item.AssociatedData),
        good => call.InTime(call.Key(key).DecryptBatch(new DecryptBatch(call.Caller, good))));

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
}

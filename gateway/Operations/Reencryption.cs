namespace OrleansKms.Gateway.Operations;

/// <summary>Moves ciphertexts from one key to another; the plaintext stays in the silos.</summary>
internal static class Reencryption
{
    /// <summary>The key to encrypt with. The caller must be allowed to decrypt with one key and encrypt with the other.</summary>
    public static async Task<string> FindDestination(
        Call call, byte[] ciphertext, byte[]? associatedData, string destination, byte[]? destinationAssociatedData)
    {
        Checks.OfCiphertext(ciphertext, associatedData).Refuse();
        Checks.OfAssociatedData(destinationAssociatedData).Refuse();
        var kind = AccessContext.KindOf(ciphertext);
        if (CiphertextHeader.TryRead(ciphertext, out var header))
        {
            await Judge(call, KmsOperation.Decrypt, header.KeyId, associatedData, kind);
        }

        return await Judge(call, KmsOperation.Encrypt, destination, destinationAssociatedData, kind);
    }

    /// <summary>Moves one ciphertext to the given key.</summary>
    public static Task<Reencrypted> Reencrypt(
        Call call, byte[] ciphertext, byte[]? associatedData, string destination, byte[]? destinationAssociatedData) =>
        call.InTime(call.Services.Reencryption.Of(0).Reencrypt(
            new Reencrypt(call.Caller, ciphertext, associatedData, destination, destinationAssociatedData)));

    private static async Task<string> Judge(Call call, KmsOperation operation, string text, byte[]? associatedData, CiphertextKind kind)
    {
        var key = await call.ResolveKey(text, operation);
        call.RequireNotDenied(KmsOperation.Reencrypt, key, associatedData, kind);
        await call.Judge(operation, key, associatedData, kind);
        return key;
    }
}

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
        if (CiphertextHeader.TryRead(ciphertext, out var header))
        {
            await call.ResolveKey(header.KeyId, KmsOperation.Decrypt);
        }

        return await call.ResolveKey(destination, KmsOperation.Encrypt);
    }

    /// <summary>Moves one ciphertext to the given key.</summary>
    public static Task<Reencrypted> Reencrypt(
        Call call, byte[] ciphertext, byte[]? associatedData, string destination, byte[]? destinationAssociatedData) =>
        call.InTime(call.Services.Reencryption.Of(0).Reencrypt(
            new Reencrypt(call.Caller, ciphertext, associatedData, destination, destinationAssociatedData)));
}

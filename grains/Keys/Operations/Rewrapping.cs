using System.Security.Cryptography;
using OrleansKms.Grains.Keys.Activation;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>Encrypts a ciphertext again under the primary version, without showing the plaintext; keeps the kind; spends a use.</summary>
internal static class Rewrapping
{
    public static ValueTask<Encrypted> Run(KeyActivation key, Decrypt request)
    {
        var call = KeyGate.Enter(KmsOperation.Rewrap, request.Caller) with { AssociatedData = request.AssociatedData };
        return new(key.Gate.Run(
            call, () => WhenReady(key, request.Ciphertext, request.AssociatedData, wanted: 1, call.StartedAt), isRepeatable: true));
    }

    /// <summary>
    /// Rewraps without waiting. The answer may be out of date. Null where something has to be prepared first; then nothing was
    /// done or counted, since the ciphertext is opened only once a use is there to spend.
    /// </summary>
    public static Encrypted? AtOnce(KeyActivation key, byte[] ciphertext, byte[]? associatedData, long startedAt)
    {
        KeyRequestRules.CheckAssociatedData(associatedData);
        if (key.Primary.Ready is not { AtOnce: { } version, Meter.CanSpend: true }
            || Decryption.AtOnce(key, ciphertext, associatedData) is not { } decrypted)
        {
            return null;
        }

        try
        {
            return key.Gate.TrySpend() is { } spent
                ? Encryption.AtOnce(key, spent, version, decrypted.Kind, decrypted.Plaintext, associatedData, startedAt)
                : throw new InvalidOperationException("internal error: a reserved use cannot be spent.");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(decrypted.Plaintext);
        }
    }

    /// <summary>Rewraps, and prepares that first where it must.</summary>
    public static async Task<Encrypted> WhenReady(KeyActivation key, byte[] ciphertext, byte[]? associatedData, long wanted, long startedAt)
    {
        KeyRequestRules.CheckAssociatedData(associatedData);
        var decrypted = await Decryption.WhenReady(key, ciphertext, associatedData);
        try
        {
            return await Encryption.WhenReady(key, decrypted.Kind, decrypted.Plaintext, associatedData, wanted, startedAt);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(decrypted.Plaintext);
        }
    }
}

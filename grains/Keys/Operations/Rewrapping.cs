using System.Security.Cryptography;
using OrleansKms.Grains.Keys.Activation;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>
/// Re-encrypts a ciphertext under the primary version, without revealing the plaintext; keeps the kind; spends a use.
/// </summary>
internal static class Rewrapping
{
    public static ValueTask<Encrypted> Run(KeyActivation key, Decrypt request)
    {
        var call = KeyGate.Enter(KmsOperation.Rewrap, request.Caller) with
        {
            AssociatedData = request.AssociatedData,
            Kind = AccessContext.KindOf(request.Ciphertext),
        };
        return new(key.Gate.Run(
            call, () => WhenReady(key, request.Ciphertext, request.AssociatedData, wanted: 1, call.StartedAt), isRepeatable: true));
    }

    /// <summary>
    /// Rewraps without waiting; null when something must be prepared first, and then nothing was done or counted, since the
    /// ciphertext is opened only once there is a use to spend. The answer may be out of date.
    /// </summary>
    public static Encrypted? AtOnce(KeyActivation key, byte[] ciphertext, byte[]? associatedData, long startedAt)
    {
        KeyRequestRules.CheckAssociatedData(associatedData);
        if (key.Primary.Ready is not { AtOnce: { } version, Meter.CanSpend: true }
            || Decryption.AtOnce(key, KmsOperation.Rewrap, ciphertext, associatedData) is not { } decrypted)
        {
            return null;
        }

        try
        {
            return key.Gate.TrySpend(limited: null) is { } spent
                ? Encryption.AtOnce(key, spent, version, decrypted.Kind, decrypted.Plaintext, associatedData, startedAt)
                : throw new InvalidOperationException("internal error: a reserved use cannot be spent.");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(decrypted.Plaintext);
        }
    }

    /// <summary>Rewraps, preparing first if it must.</summary>
    public static async Task<Encrypted> WhenReady(KeyActivation key, byte[] ciphertext, byte[]? associatedData, long wanted, long startedAt)
    {
        KeyRequestRules.CheckAssociatedData(associatedData);
        var decrypted = await Decryption.WhenReady(key, KmsOperation.Rewrap, ciphertext, associatedData, wanted);
        try
        {
            return await Encryption.WhenReady(key, limited: null, decrypted.Kind, decrypted.Plaintext, associatedData, wanted, startedAt);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(decrypted.Plaintext);
        }
    }
}

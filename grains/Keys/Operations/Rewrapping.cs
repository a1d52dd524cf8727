using System.Security.Cryptography;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>
/// Re-encrypts a ciphertext under the primary version, without revealing the plaintext; keeps the kind and the algorithm; spends a use.
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
            call,
            () =>
            {
                RequireNoOptions(DecryptionOptions.Of(request));
                return WhenReady(key, request.Ciphertext, request.AssociatedData, wanted: 1, call.StartedAt);
            },
            isRepeatable: true));
    }

    /// <summary>Refuses what only a decryption takes.</summary>
    /// <exception cref="KmsException">invalid_parameter.</exception>
    public static void RequireNoOptions(in DecryptionOptions options)
    {
        if (!options.IsNone)
        {
            throw KmsError.InvalidParameter.Exception("A rewrap takes a ciphertext that names its version and algorithm, and keeps the latter.");
        }
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
        var decrypted = await Decryption.WhenReady(key, KmsOperation.Rewrap, ciphertext, associatedData, options: default, wanted);
        try
        {
            var options = new EncryptionOptions(AlgorithmOf(await key.Load(), ciphertext), Raw: false);
            return await Encryption.WhenReady(
                key, limited: null, decrypted.Kind, decrypted.Plaintext, associatedData, options, wanted, startedAt);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(decrypted.Plaintext);
        }
    }

    // A plaintext need not fit another algorithm.
    private static string? AlgorithmOf(KeyRow row, byte[] ciphertext) =>
        CiphertextHeader.TryRead(ciphertext, out var header) && KeyAlgorithms.TryFind(row.Spec, out var algorithm)
            ? EncryptionScheme.Marked(algorithm.EncryptionSchemes, header.Algorithm)?.Name
            : null;
}

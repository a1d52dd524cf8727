using System.Security.Cryptography;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.Lifecycle;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>
/// Decrypts with the version that the ciphertext names. Answers at once, without an await or a closure, when everything is ready.
/// </summary>
internal static class Decryption
{
    public static ValueTask<Decrypted> Run(KeyActivation key, Decrypt request)
    {
        var call = KeyGate.Enter(KmsOperation.Decrypt, request.Caller) with
        {
            AssociatedData = request.AssociatedData,
            Kind = AccessContext.KindOf(request.Ciphertext),
        };
        try
        {
            KeyRequestRules.CheckAssociatedData(request.AssociatedData);
            if (key.Policy.Permits(call) && AtOnce(key, KmsOperation.Decrypt, request.Ciphertext, request.AssociatedData) is { } decrypted)
            {
                if (key.Gate.MayLeave)
                {
                    return key.Recorder.Leave(call, decrypted);
                }

                CryptographicOperations.ZeroMemory(decrypted.Plaintext);
            }
        }
        catch (Exception e)
        {
            return key.Recorder.Refuse<Decrypted>(call, e);
        }

        return WhenReady(key, call, request);
    }

    /// <summary>Decrypts without waiting; null when something must be prepared first. The answer may be out of date.</summary>
    /// <param name="key">The key.</param>
    /// <param name="limited">The operation that the key's limits count, whatever its outcome.</param>
    /// <param name="ciphertext">The ciphertext.</param>
    /// <param name="associatedData">What is authenticated with it.</param>
    public static Decrypted? AtOnce(KeyActivation key, KmsOperation limited, byte[] ciphertext, byte[]? associatedData) =>
        TryReadHeader(key, ciphertext, out var header) && FindUsable(key, header) is IEncryptsAtOnce version && key.Limits.TrySpend(limited)
            ? Made(key, header, version.DecryptToArray(header, ciphertext, associatedData))
            : null;

    /// <summary>
    /// Decrypts, opening the version first if it must; finding and starting are one step without an await. The ciphertext is
    /// examined last: whether the key exists and can be used does not depend on it.
    /// </summary>
    public static async Task<Decrypted> WhenReady(
        KeyActivation key, KmsOperation limited, byte[] ciphertext, byte[]? associatedData, long wanted)
    {
        while (true)
        {
            var row = await key.Load();
            KeyUsability.Require(row, KeyUsage.EncryptDecrypt);
            if (!TryReadHeader(key, ciphertext, out var header))
            {
                throw KmsError.InvalidCiphertext.Exception();
            }

            if (FindUsable(key, header) is { } version)
            {
                if (!key.Limits.TrySpend(limited))
                {
                    await key.Limits.Prepare(limited, wanted);
                    continue;
                }

                return Made(key, header, await ProviderAnswers.Awaited(
                    key, version.Require<IEncrypts>().Decrypt(header, ciphertext, associatedData),
                    row => KeyUsability.RequireDecrypts(row, header.KeyVersion)));
            }

            KeyUsability.RequireDecrypts(row, header.KeyVersion);
            await key.Open(header.KeyVersion);
        }
    }

    private static ValueTask<Decrypted> WhenReady(KeyActivation key, Call call, Decrypt request) => new(key.Gate.Run(
        call, () => WhenReady(key, KmsOperation.Decrypt, request.Ciphertext, request.AssociatedData, wanted: 1), isRepeatable: true));

    private static bool TryReadHeader(KeyActivation key, byte[]? ciphertext, out CiphertextHeader header) =>
        CiphertextHeader.TryRead(ciphertext, out header) && header.KeyId == key.Id;

    /// <summary>The version that a header names, if it is open and can be used.</summary>
    private static IKeyVersion? FindUsable(KeyActivation key, in CiphertextHeader header) =>
        key.Slot is { NeedsRead: false, Row: { State: KeyState.Enabled } row } && header.KeyVersion >= row.MinDecryptVersion
            ? key.Versions.Find(header.KeyVersion)
            : null;

    /// <summary>Counts a decryption that was made, whether or not its answer leaves.</summary>
    private static Decrypted Made(KeyActivation key, in CiphertextHeader header, byte[]? opened)
    {
        var plaintext = opened ?? throw KmsError.InvalidCiphertext.Exception();
        key.Usage.Meter(header.KeyVersion).CountDecryption(plaintext.Length, key.Services.Time.GetUtcNow().UtcTicks);
        key.Counters.SaveSoon();
        return new(header.KeyVersion, header.Kind, plaintext);
    }
}

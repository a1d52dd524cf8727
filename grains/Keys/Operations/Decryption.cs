using System.Security.Cryptography;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Rows;

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
            Kind = AccessContext.KindOf(request.Ciphertext, request.Raw),
            Version = request.KeyVersion,
            Detail = request.Raw ? "raw" : null,
        };
        var options = DecryptionOptions.Of(request);
        try
        {
            KeyRequestRules.CheckAssociatedData(request.AssociatedData);
            options.Check();
            if (options.IsNone && key.Policy.Permits(call) && AtOnce(key, KmsOperation.Decrypt, request.Ciphertext, request.AssociatedData) is { } decrypted)
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

        return WhenReady(key, call, request, options);
    }

    /// <summary>Decrypts without waiting; null when something must be prepared first. The answer may be out of date.</summary>
    /// <param name="key">The key.</param>
    /// <param name="limited">The operation that the key's limits count, whatever its outcome.</param>
    /// <param name="ciphertext">The ciphertext.</param>
    /// <param name="associatedData">What is authenticated with it.</param>
    public static Decrypted? AtOnce(KeyActivation key, KmsOperation limited, byte[] ciphertext, byte[]? associatedData) =>
        TryReadHeader(key, ciphertext, out var header) && FindUsable(key, header.KeyVersion) is IEncryptsAtOnce version && key.Limits.TrySpend(limited)
            ? Made(key, header.KeyVersion, header.Kind, version.DecryptToArray(header, ciphertext, associatedData))
            : null;

    /// <summary>
    /// Decrypts, opening the version first if it must; finding and starting are one step without an await. The ciphertext is
    /// examined last: whether the key exists and can be used does not depend on it.
    /// </summary>
    public static async Task<Decrypted> WhenReady(
        KeyActivation key, KmsOperation limited, byte[] ciphertext, byte[]? associatedData, DecryptionOptions options, long wanted)
    {
        while (true)
        {
            var row = await key.Load();
            KeyUsability.Require(row, KeyUsage.EncryptDecrypt);
            RequireFits(row, associatedData, options);
            var header = HeaderOf(key, ciphertext, options);
            var number = header?.KeyVersion ?? options.KeyVersion!.Value;
            if (FindUsable(key, number) is not { } version)
            {
                RequireUsable(row, number, options);
                await key.Open(number);
                continue;
            }

            var pair = version as IDecryptsByPrivateKey;
            var scheme = pair is null ? null : PrivateKeyDecryption.Fit(pair, key.Id, header, ciphertext, options);
            if (!key.Limits.TrySpend(limited))
            {
                await key.Limits.Prepare(limited, wanted);
                continue;
            }

            return Made(key, number, header?.Kind ?? CiphertextKind.Data, await ProviderAnswers.Awaited(
                key,
                pair is null
                    ? version.Require<IEncrypts>().Decrypt(header!.Value, ciphertext, associatedData)
                    : PrivateKeyDecryption.Decrypt(pair, scheme, header, ciphertext),
                changed => RequireUsable(changed, number, options)));
        }
    }

    private static ValueTask<Decrypted> WhenReady(KeyActivation key, Call call, Decrypt request, DecryptionOptions options) => new(key.Gate.Run(
        call, () => WhenReady(key, KmsOperation.Decrypt, request.Ciphertext, request.AssociatedData, options, wanted: 1), isRepeatable: true));

    /// <summary>What the request gives must be what the key takes: nothing is ignored.</summary>
    private static void RequireFits(KeyRow row, byte[]? associatedData, in DecryptionOptions options)
    {
        if (KeyUsability.EncryptsByPublicKey(row))
        {
            PublicKeyEncryption.RequireNoAssociatedData(associatedData);
        }
        else
        {
            EncryptionOptions.RequireNone(options.IsNone);
        }
    }

    /// <summary>The header of a ciphertext; null of a bare one, which has none.</summary>
    private static CiphertextHeader? HeaderOf(KeyActivation key, byte[]? ciphertext, in DecryptionOptions options) =>
        options.Raw ? null
        : TryReadHeader(key, ciphertext, out var header) ? header
        : throw KmsError.InvalidCiphertext.Exception();

    /// <summary>Requires that the version may decrypt: the one that the request names, or that the ciphertext does.</summary>
    private static void RequireUsable(KeyRow row, int number, in DecryptionOptions options)
    {
        if (options.Raw && row.Find(number) is null)
        {
            throw KmsError.NotFound.Exception("The key has no such version.");
        }

        KeyUsability.RequireDecrypts(row, number);
    }

    private static bool TryReadHeader(KeyActivation key, byte[]? ciphertext, out CiphertextHeader header) =>
        CiphertextHeader.TryRead(ciphertext, out header) && header.KeyId == key.Id;

    /// <summary>A version, if it is open and can be used.</summary>
    private static IKeyVersion? FindUsable(KeyActivation key, int number) =>
        key.Slot is { NeedsRead: false, Row: { State: KeyState.Enabled } row } && number >= row.MinDecryptVersion
            ? key.Versions.Find(number)
            : null;

    /// <summary>Counts a decryption that was made, whether or not its answer leaves.</summary>
    private static Decrypted Made(KeyActivation key, int version, CiphertextKind kind, byte[]? opened)
    {
        var plaintext = opened ?? throw KmsError.InvalidCiphertext.Exception();
        key.Usage.Meter(version).CountDecryption(plaintext.Length, key.Services.Time.GetUtcNow().UtcTicks);
        key.Counters.SaveSoon();
        return new(version, kind, plaintext);
    }
}

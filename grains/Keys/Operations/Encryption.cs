using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.Lifecycle;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>
/// Encrypts under the primary version; spends a use. Answers at once, without an await or a closure, when everything is ready.
/// </summary>
internal static class Encryption
{
    public static ValueTask<Encrypted> Run(KeyActivation key, Encrypt request)
    {
        var call = KeyGate.Enter(KmsOperation.Encrypt, request.Caller) with
        {
            AssociatedData = request.AssociatedData,
            Bytes = request.Plaintext?.Length,
            Kind = request.Kind,
            Detail = request.Raw ? "raw" : null,
        };
        var options = new EncryptionOptions(request.Algorithm, request.Raw);
        try
        {
            KeyRequestRules.CheckPlaintext(request.Plaintext, request.AssociatedData, key.Services.Options.MaxPlaintextBytes);
            if (key.Policy.Permits(call)
                && AtOnce(key, KmsOperation.Encrypt, request.Kind, request.Plaintext, request.AssociatedData, options, call.StartedAt) is { } encrypted
                && key.Gate.MayLeave)
            {
                return key.Recorder.Leave(call, encrypted);
            }
        }
        catch (Exception e)
        {
            return key.Recorder.Refuse<Encrypted>(call, e);
        }

        return WhenReady(key, call, request, options);
    }

    /// <summary>Encrypts without waiting; null when something must be prepared first. The answer may be out of date.</summary>
    public static Encrypted? AtOnce(
        KeyActivation key, KmsOperation? limited, CiphertextKind kind, byte[] plaintext, byte[]? associatedData, in EncryptionOptions options,
        long startedAt)
    {
        if (!key.Primary.AnswersAtOnce)
        {
            return PublicKeyEncryption.AtOnce(key, limited, kind, plaintext, associatedData, options, startedAt);
        }

        return options.IsNone && key.Gate.TrySpend(limited) is { AtOnce: { } version } spent
            ? AtOnce(key, spent, version, kind, plaintext, associatedData, startedAt)
            : null;
    }

    /// <summary>Like the overload, with a use already spent.</summary>
    public static Encrypted AtOnce(
        KeyActivation key, ReadyVersion spent, IEncryptsAtOnce version, CiphertextKind kind, byte[] plaintext, byte[]? associatedData,
        long startedAt)
    {
        var ciphertext = version.EncryptToArray(Existing(kind), plaintext, associatedData);
        key.Gate.Made(KmsOperation.Encrypt, spent, plaintext.Length, startedAt);
        return new(version.Version, ciphertext);
    }

    /// <summary>Encrypts, preparing first if it must. Spending and starting are one step without an await.</summary>
    /// <param name="key">The key.</param>
    /// <param name="limited">The operation that the key's limits count; null if they have counted it.</param>
    /// <param name="kind">The ciphertext's kind.</param>
    /// <param name="plaintext">The plaintext.</param>
    /// <param name="associatedData">The associated data.</param>
    /// <param name="options">How.</param>
    /// <param name="wanted">How many uses are about to be spent, including this one.</param>
    /// <param name="startedAt">When it began.</param>
    public static async Task<Encrypted> WhenReady(
        KeyActivation key, KmsOperation? limited, CiphertextKind kind, byte[] plaintext, byte[]? associatedData, EncryptionOptions options,
        long wanted, long startedAt)
    {
        while (true)
        {
            if (PublicKeyEncryption.AtOnce(key, limited, kind, plaintext, associatedData, options, startedAt) is { } encrypted)
            {
                return encrypted;
            }

            if (key.Primary.Ready is { Version: IEncrypts version } && Fits(options) && key.Gate.TrySpend(limited) is { } spent)
            {
                var ciphertext = await ProviderAnswers.Awaited(
                    key, version.Encrypt(Existing(kind), plaintext, associatedData), row => KeyUsability.RequireVersion(row, version.Version));
                key.Gate.Made(KmsOperation.Encrypt, spent, plaintext.Length, startedAt);
                return new(version.Version, ciphertext);
            }

            await key.Primary.Prepare(KeyUsage.EncryptDecrypt, wanted);
            await key.Limits.Prepare(limited, wanted);
        }
    }

    // Separate, so that callers that do not wait allocate no closure.
    private static ValueTask<Encrypted> WhenReady(KeyActivation key, Call call, Encrypt request, EncryptionOptions options) => new(key.Gate.Run(
        call,
        () => WhenReady(key, KmsOperation.Encrypt, request.Kind, request.Plaintext, request.AssociatedData, options, wanted: 1, call.StartedAt),
        isRepeatable: true));

    private static bool Fits(in EncryptionOptions options)
    {
        options.RequireNone();
        return true;
    }

    private static CiphertextKind Existing(CiphertextKind kind) =>
        kind is < CiphertextKind.Data or > CiphertextKind.DataKeyPair ? throw KmsError.InvalidParameter.Exception() : kind;
}

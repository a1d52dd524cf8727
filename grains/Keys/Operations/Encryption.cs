using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.Lifecycle;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>Encrypts under the primary version; spends a use. What is ready is answered at once, without an await or a closure.</summary>
internal static class Encryption
{
    public static ValueTask<Encrypted> Run(KeyActivation key, Encrypt request)
    {
        var call = KeyGate.Enter(KmsOperation.Encrypt, request.Caller) with
        {
            AssociatedData = request.AssociatedData,
            Bytes = request.Plaintext?.Length,
        };
        try
        {
            KeyRequestRules.CheckPlaintext(request.Plaintext, request.AssociatedData, key.Services.Options.MaxPlaintextBytes);
            if (AtOnce(key, request.Kind, request.Plaintext, request.AssociatedData, call.StartedAt) is { } encrypted && key.Gate.MayLeave)
            {
                return key.Recorder.Leave(call, encrypted);
            }
        }
        catch (Exception e)
        {
            return key.Recorder.Refuse<Encrypted>(call, e);
        }

        return WhenReady(key, call, request);
    }

    /// <summary>Encrypts without waiting; null where something has to be prepared first. The answer may be out of date.</summary>
    public static Encrypted? AtOnce(KeyActivation key, CiphertextKind kind, byte[] plaintext, byte[]? associatedData, long startedAt) =>
        key.Primary.AnswersAtOnce && key.Gate.TrySpend() is { AtOnce: { } version } spent
            ? AtOnce(key, spent, version, kind, plaintext, associatedData, startedAt)
            : null;

    /// <summary>As the other, with a use that was spent for it.</summary>
    public static Encrypted AtOnce(
        KeyActivation key, ReadyVersion spent, IEncryptsAtOnce version, CiphertextKind kind, byte[] plaintext, byte[]? associatedData,
        long startedAt)
    {
        var ciphertext = version.EncryptToArray(Existing(kind), plaintext, associatedData);
        key.Gate.Made(spent, plaintext.Length, startedAt);
        return new(version.Version, ciphertext);
    }

    /// <summary>Encrypts, and prepares that first where it must. Spending and beginning are one step without an await.</summary>
    /// <param name="key">The key.</param>
    /// <param name="kind">What the ciphertext is marked to hold.</param>
    /// <param name="plaintext">The plaintext.</param>
    /// <param name="associatedData">What is authenticated with it.</param>
    /// <param name="wanted">How many uses are about to be spent, this one included.</param>
    /// <param name="startedAt">When it began.</param>
    public static async Task<Encrypted> WhenReady(
        KeyActivation key, CiphertextKind kind, byte[] plaintext, byte[]? associatedData, long wanted, long startedAt)
    {
        while (true)
        {
            if (key.Gate.TrySpend() is { } spent)
            {
                var version = spent.Version;
                var ciphertext = await ProviderAnswers.Awaited(
                    key, version.Encrypt(Existing(kind), plaintext, associatedData), row => KeyUsability.RequireVersion(row, version.Version));
                key.Gate.Made(spent, plaintext.Length, startedAt);
                return new(version.Version, ciphertext);
            }

            await key.Primary.Prepare(wanted);
        }
    }

    // Apart, so that what it captures is not allocated for those who do not wait.
    private static ValueTask<Encrypted> WhenReady(KeyActivation key, Call call, Encrypt request) => new(key.Gate.Run(
        call, () => WhenReady(key, request.Kind, request.Plaintext, request.AssociatedData, wanted: 1, call.StartedAt), isRepeatable: true));

    private static CiphertextKind Existing(CiphertextKind kind) =>
        kind is < CiphertextKind.Data or > CiphertextKind.DataKeyPair ? throw KmsError.InvalidParameter.Exception() : kind;
}

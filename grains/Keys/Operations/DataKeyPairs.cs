using System.Security.Cryptography;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.Lifecycle;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>Generates a data key pair: a key pair whose private key is encrypted; spends a use.</summary>
internal static class DataKeyPairs
{
    // They share the threads and places for the making of keys, of which no key takes all.
    private const int MaxSlowPairs = 8;

    public static ValueTask<DataKeyPair> Run(KeyActivation key, GenerateDataKeyPair request)
    {
        var call = KeyGate.Enter(KmsOperation.GenerateDataKeyPair, request.Caller) with
        {
            AssociatedData = request.AssociatedData,
            Kind = CiphertextKind.DataKeyPair,
            Detail = KeyAlgorithms.TryFind(request.Spec ?? "", out var algorithm) ? algorithm.Spec : null,
        };
        var deadline = Deadline.Of(request.Within);
        return new(key.Gate.Run(call, () => Make(key, request, call.StartedAt, deadline), isRepeatable: true));
    }

    private static async Task<DataKeyPair> Make(KeyActivation key, GenerateDataKeyPair request, long startedAt, Deadline deadline)
    {
        KeyRequestRules.CheckAssociatedData(request.AssociatedData);
        if (request.Spec is null || !KeyAlgorithms.TryFind(request.Spec, out var algorithm) || !algorithm.MakesDataKeyPairs)
        {
            throw KmsError.UnsupportedAlgorithm.Exception("No data key pairs are made of this spec.");
        }

        // Before the work, which may be long, and by the encryption once more after it.
        var row = await key.Load();
        KeyUsability.Require(row, KeyUsage.EncryptDecrypt);
        if (KeyUsability.EncryptsByPublicKey(row))
        {
            PublicKeyEncryption.RequireData(CiphertextKind.DataKeyPair);
        }

        using var material = await MakeInTime(key, algorithm, deadline);
        var publicKey = algorithm.PublicPart(material.Span) ?? throw new InvalidOperationException("internal error: a pair without a public key.");
        var privateKey = material.Span.ToArray();
        byte[]? shown = null;
        try
        {
            var encrypted = await Encryption.WhenReady(
                key, KmsOperation.GenerateDataKeyPair, CiphertextKind.DataKeyPair, privateKey, request.AssociatedData, options: default, wanted: 1, startedAt);
            shown = request.WithPlaintext ? privateKey : null;
            return new(encrypted.KeyVersion, publicKey, shown, encrypted.Ciphertext);
        }
        finally
        {
            if (shown is null)
            {
                CryptographicOperations.ZeroMemory(privateKey);
            }
        }
    }

    private static async Task<SecretBytes> MakeInTime(KeyActivation key, KeyAlgorithm algorithm, Deadline deadline)
    {
        if (!algorithm.IsSlow)
        {
            return await algorithm.NewMaterial();
        }

        if (key.SlowPairs >= MaxSlowPairs)
        {
            throw KmsError.Overloaded.Exception($"{MaxSlowPairs} slow data key pairs of this key are being made already; try again later.");
        }

        key.SlowPairs++;
        using var time = deadline.Timer();
        try
        {
            return await algorithm.NewMaterial(time.Token);
        }
        catch (OperationCanceledException) when (time.IsCancellationRequested)
        {
            throw KmsError.Timeout.Exception("The data key pair could not be made in time. Try again.");
        }
        finally
        {
            key.SlowPairs--;
        }
    }
}

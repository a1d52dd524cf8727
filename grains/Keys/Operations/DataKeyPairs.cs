using System.Security.Cryptography;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.Lifecycle;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>Generates a data key pair: a key pair whose private key is encrypted; spends a use.</summary>
internal static class DataKeyPairs
{
    public static ValueTask<DataKeyPair> Run(KeyActivation key, GenerateDataKeyPair request)
    {
        var call = KeyGate.Enter(KmsOperation.GenerateDataKeyPair, request.Caller) with
        {
            AssociatedData = request.AssociatedData,
            Kind = CiphertextKind.DataKeyPair,
            Detail = KeyAlgorithms.TryFind(request.Spec ?? "", out var algorithm) ? algorithm.Spec : null,
        };
        return new(key.Gate.Run(call, () => Make(key, request, call.StartedAt), isRepeatable: true));
    }

    private static async Task<DataKeyPair> Make(KeyActivation key, GenerateDataKeyPair request, long startedAt)
    {
        KeyRequestRules.CheckAssociatedData(request.AssociatedData);
        if (request.Spec is null || !KeyAlgorithms.TryFind(request.Spec, out var algorithm) || !algorithm.MakesDataKeyPairs)
        {
            throw KmsError.UnsupportedAlgorithm.Exception("No data key pairs are made of this spec.");
        }

        // Before the work, which may be long, and by the encryption once more after it.
        KeyUsability.Require(await key.Load(), KeyUsage.EncryptDecrypt);
        using var material = await algorithm.NewMaterial();
        var publicKey = algorithm.PublicPart(material.Span) ?? throw new InvalidOperationException("internal error: a pair without a public key.");
        var privateKey = material.Span.ToArray();
        byte[]? shown = null;
        try
        {
            var encrypted = await Encryption.WhenReady(
                key, KmsOperation.GenerateDataKeyPair, CiphertextKind.DataKeyPair, privateKey, request.AssociatedData, wanted: 1, startedAt);
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
}

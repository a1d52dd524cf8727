using System.Security.Cryptography;
using OrleansKms.Grains.Keys.Activation;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>Generates a data key: random bytes, in the clear and encrypted; spends a use.</summary>
internal static class DataKeys
{
    public static ValueTask<DataKey> Run(KeyActivation key, GenerateDataKey request)
    {
        var call = KeyGate.Enter(KmsOperation.GenerateDataKey, request.Caller) with
        {
            AssociatedData = request.AssociatedData,
            Bytes = request.Bytes,
            Kind = CiphertextKind.DataKey,
        };
        return new(key.Gate.Run(call, () => Make(key, request, call.StartedAt), isRepeatable: true));
    }

    private static async Task<DataKey> Make(KeyActivation key, GenerateDataKey request, long startedAt)
    {
        if (request.Bytes is < 1 or > KmsLimits.DataKeyBytes)
        {
            throw KmsError.InvalidParameter.Exception($"bytes must be 1 to {KmsLimits.DataKeyBytes}.");
        }

        KeyRequestRules.CheckAssociatedData(request.AssociatedData);
        var dataKey = RandomNumberGenerator.GetBytes(request.Bytes);
        byte[]? shown = null;
        try
        {
            var encrypted = await Encryption.WhenReady(
                key, KmsOperation.GenerateDataKey, CiphertextKind.DataKey, dataKey, request.AssociatedData, options: default, wanted: 1, startedAt);
            shown = request.WithPlaintext ? dataKey : null;
            return new(encrypted.KeyVersion, shown, encrypted.Ciphertext);
        }
        finally
        {
            if (shown is null)
            {
                CryptographicOperations.ZeroMemory(dataKey);
            }
        }
    }
}

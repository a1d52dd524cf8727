using System.Security.Cryptography;
using Orleans.Concurrency;

namespace OrleansKms.Grains.Services;

/// <summary>Stands between two keys, so that neither waits for the other inside its own turn.</summary>
[StatelessWorker]
public sealed class ReencryptionGrain : Grain, IReencryptionGrain
{
    /// <inheritdoc/>
    public async Task<Reencrypted> Reencrypt(Reencrypt request)
    {
        if (!CiphertextHeader.TryRead(request.Ciphertext, out var header))
        {
            throw KmsError.InvalidCiphertext.Exception();
        }

        if (!KeyId.IsValid(request.DestinationKeyId))
        {
            throw KmsError.InvalidKeyId.Exception();
        }

        var decrypted = await GrainFactory.GetGrain<IKeyGrain>(header.KeyId)
            .Decrypt(new(request.Caller, request.Ciphertext, request.AssociatedData));
        try
        {
            var encrypted = await GrainFactory.GetGrain<IKeyGrain>(request.DestinationKeyId).Encrypt(
                new(request.Caller, decrypted.Plaintext, request.DestinationAssociatedData, decrypted.Kind));
            return new(request.DestinationKeyId, encrypted.KeyVersion, encrypted.Ciphertext);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(decrypted.Plaintext);
        }
    }
}

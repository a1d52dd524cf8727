using System.Security.Cryptography;
using Orleans.Concurrency;

namespace OrleansKms.Grains.Services;

/// <summary>Stands between two keys, so that neither waits for the other inside its own turn.</summary>
[StatelessWorker]
public sealed class ReencryptionGrain(GrainReferences<IKeyGrain> keys) : Grain, IReencryptionGrain
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

        var decrypted = await Decrypt(header.KeyId, request);
        try
        {
            var encrypted = await keys.Of(request.DestinationKeyId).Encrypt(
                new(request.Caller, decrypted.Plaintext, request.DestinationAssociatedData, decrypted.Kind));
            return new(request.DestinationKeyId, encrypted.KeyVersion, encrypted.Ciphertext);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(decrypted.Plaintext);
        }
    }

    private async Task<Decrypted> Decrypt(string keyId, Reencrypt request)
    {
        try
        {
            return await keys.Of(keyId).Decrypt(new(request.Caller, request.Ciphertext, request.AssociatedData));
        }
        catch (KmsException e) when (e.Error == KmsError.KeyNotFound)
        {
            // The id was in the ciphertext: that it names no key is one more way in which a ciphertext is not one of ours.
            throw KmsError.InvalidCiphertext.Exception();
        }
    }
}

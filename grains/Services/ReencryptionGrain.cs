using System.Security.Cryptography;
using Orleans.Concurrency;
using OrleansKms.Grains.Audit;
using OrleansKms.Grains.Keys.Lifecycle;

namespace OrleansKms.Grains.Services;

/// <summary>Stands between two keys, so that neither waits for the other within its own turn.</summary>
[StatelessWorker]
public sealed class ReencryptionGrain(GrainReferences<IKeyGrain> keys, CallAudit audit) : Grain, IReencryptionGrain
{
    /// <inheritdoc/>
    public Task<Reencrypted> Reencrypt(Reencrypt request)
    {
        // The keys record their parts of it themselves.
        var source = CiphertextHeader.TryRead(request.Ciphertext, out var header) ? $"from {header.KeyId}" : null;
        return audit.Run(
            KmsOperation.Reencrypt, request.Caller, new() { KeyId = request.DestinationKeyId, Detail = source }, () => Move(request));
    }

    private async Task<Reencrypted> Move(Reencrypt request)
    {
        if (!KeyId.IsValid(request.DestinationKeyId))
        {
            throw KmsError.InvalidKeyId.Exception();
        }

        var destination = keys.Of(request.DestinationKeyId);
        var decrypted = await Decrypt(request, destination);
        try
        {
            var encrypted = await destination.Encrypt(
                new(request.Caller, decrypted.Plaintext, request.DestinationAssociatedData, decrypted.Kind));
            return new(request.DestinationKeyId, encrypted.KeyVersion, encrypted.Ciphertext);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(decrypted.Plaintext);
        }
    }

    private async Task<Decrypted> Decrypt(Reencrypt request, IKeyGrain destination)
    {
        try
        {
            return CiphertextHeader.TryRead(request.Ciphertext, out var header)
                ? await keys.Of(header.KeyId).Decrypt(new(request.Caller, request.Ciphertext, request.AssociatedData))
                : throw KmsError.InvalidCiphertext.Exception();
        }
        catch (KmsException e) when (e.Error != KmsError.KeyNotFound)
        {
            RequireNothingBefore(e, await destination.Validate(new(request.Caller)));
            throw;
        }
    }

    /// <summary>
    /// Throws the destination's error where that comes before the source's: a missing key comes before any key's state, and a
    /// key's state before a fault of the ciphertext. Called only when the source has failed.
    /// </summary>
    private static void RequireNothingBefore(KmsException source, KeyValidation destination)
    {
        if (destination.Error == KmsError.KeyNotFound.Code)
        {
            throw KmsError.KeyNotFound.Exception();
        }

        if (source.Error == KmsError.InvalidCiphertext && destination.State is { } state)
        {
            KeyLifecycle.RequireUsable(state);
        }
    }
}

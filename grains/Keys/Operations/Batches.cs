using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.Lifecycle;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>
/// Many operations with one key in one call. An error of the whole key fails the call, an error of an item only that item.
/// </summary>
internal static class Batches
{
    public static ValueTask<ItemResult<Encrypted>[]> Encrypt(KeyActivation key, EncryptBatch request)
    {
        var limit = key.Services.Options.MaxPlaintextBytes;
        return new Batch<EncryptItem, Encrypted>(
            key, KmsOperation.Encrypt, KeyUsage.EncryptDecrypt, request.Items, i => (i.Plaintext?.Length ?? 0) + (i.AssociatedData?.Length ?? 0),
            (call, item) => call with { AssociatedData = item.AssociatedData, Kind = CiphertextKind.Data },
            (row, made) => KeyUsability.RequireVersion(row, made.KeyVersion), Deadline.None,
            item =>
            {
                KeyRequestRules.CheckPlaintext(item.Plaintext, item.AssociatedData, limit);
                return Encryption.AtOnce(
                    key, KmsOperation.Encrypt, CiphertextKind.Data, item.Plaintext, item.AssociatedData, new(item.Algorithm, item.Raw),
                    KeyInstruments.StartOf(KmsOperation.Encrypt));
            },
            async (item, left) =>
            {
                KeyRequestRules.CheckPlaintext(item.Plaintext, item.AssociatedData, limit);
                return await Encryption.WhenReady(
                    key, KmsOperation.Encrypt, CiphertextKind.Data, item.Plaintext, item.AssociatedData, new(item.Algorithm, item.Raw), left,
                    KeyInstruments.StartOf(KmsOperation.Encrypt));
            }).Run(request.Caller);
    }

    public static ValueTask<ItemResult<Decrypted>[]> Decrypt(KeyActivation key, DecryptBatch request) => new Batch<DecryptItem, Decrypted>(
        key, KmsOperation.Decrypt, KeyUsage.EncryptDecrypt, request.Items, KeyRequestRules.SizeInBatch, Of,
        (row, opened) => KeyUsability.RequireDecrypts(row, opened.KeyVersion), Deadline.Of(request.Within),
        item =>
        {
            KeyRequestRules.CheckAssociatedData(item.AssociatedData);
            var options = DecryptionOptions.Of(item);
            options.Check();
            return options.IsNone ? Decryption.AtOnce(key, KmsOperation.Decrypt, item.Ciphertext, item.AssociatedData) : null;
        },
        async (item, left) =>
        {
            KeyRequestRules.CheckAssociatedData(item.AssociatedData);
            return await Decryption.WhenReady(key, KmsOperation.Decrypt, item.Ciphertext, item.AssociatedData, DecryptionOptions.Of(item), left);
        }).Run(request.Caller);

    public static ValueTask<ItemResult<Encrypted>[]> Rewrap(KeyActivation key, DecryptBatch request) => new Batch<DecryptItem, Encrypted>(
        key, KmsOperation.Rewrap, KeyUsage.EncryptDecrypt, request.Items, KeyRequestRules.SizeInBatch, Of,
        (row, made) => KeyUsability.RequireVersion(row, made.KeyVersion), Deadline.Of(request.Within),
        item =>
        {
            Rewrapping.RequireNoOptions(DecryptionOptions.Of(item));
            return Rewrapping.AtOnce(key, item.Ciphertext, item.AssociatedData, KeyInstruments.StartOf(KmsOperation.Encrypt));
        },
        (item, left) => Rewrapping.WhenReady(
            key, item.Ciphertext, item.AssociatedData, left, KeyInstruments.StartOf(KmsOperation.Encrypt))).Run(request.Caller);

    private static Call Of(Call call, DecryptItem item) =>
        call with { AssociatedData = item.AssociatedData, Kind = AccessContext.KindOf(item.Ciphertext, item.Raw) };
}

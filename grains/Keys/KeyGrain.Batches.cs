using System.Diagnostics;

namespace OrleansKms.Grains.Keys;

// Many operations with one key in one call.
public sealed partial class KeyGrain
{
    /// <inheritdoc/>
    public ValueTask<ItemResult<Encrypted>[]> EncryptBatch(EncryptBatch request) => Batch(
        request.Caller, KeyCall.Encrypt, request.Items, i => (i.Plaintext?.Length ?? 0) + (i.AssociatedData?.Length ?? 0), async (item, left) =>
        {
            var startedAt = Stopwatch.GetTimestamp();
            KeyRequestRules.CheckPlaintext(item.Plaintext, item.AssociatedData, _options.MaxPlaintextBytes);
            return await EncryptWhenReady(CiphertextKind.Data, item.Plaintext, item.AssociatedData, left, startedAt);
        }, encrypts: true);

    /// <inheritdoc/>
    public ValueTask<ItemResult<Decrypted>[]> DecryptBatch(DecryptBatch request) => Batch(
        request.Caller, KeyCall.Decrypt, request.Items, KeyRequestRules.SizeInBatch, async (item, _) =>
        {
            var header = ReadHeader(item.Ciphertext, item.AssociatedData);
            var decrypted = await DecryptWhenReady(header, item.Ciphertext, item.AssociatedData);
            KeyInstruments.Decrypted(_keyTag);
            return decrypted;
        }, encrypts: false);

    /// <inheritdoc/>
    public ValueTask<ItemResult<Encrypted>[]> RewrapBatch(DecryptBatch request) => Batch(
        request.Caller, KeyCall.Rewrap, request.Items, KeyRequestRules.SizeInBatch, (item, left) =>
            RewrapOne(item.Ciphertext, item.AssociatedData, left, Stopwatch.GetTimestamp()), encrypts: true);

    /// <summary>Runs each item; what concerns the whole key fails the whole call, what concerns an item only that item.</summary>
    private async ValueTask<ItemResult<TResult>[]> Batch<TItem, TResult>(
        Caller caller, KeyCall call, TItem[] items, Func<TItem, long> size, Func<TItem, long, Task<TResult>> run, bool encrypts)
        where TResult : class
    {
        CallInstruments.Count(caller, call);
        while (true)
        {
            try
            {
                await Guarded(async () =>
                {
                    KeyRequestRules.CheckBatch(items, size);
                    var row = await Current();
                    KeyLifecycle.RequireUsable(row.State);
                    RequireUsage(row);
                    return row;
                }, isRepeatable: true);
            }
            catch (KmsException e)
            {
                CountFailed(encrypts, e.Code, Math.Max(1, items?.Length ?? 0));
                throw;
            }

            // The first item's answer leaves only with the last one's.
            var results = await RunItems(items, run, encrypts);
            if (_mark is null || await _mark.Settle())
            {
                return results;
            }
        }
    }

    private async Task<ItemResult<TResult>[]> RunItems<TItem, TResult>(
        TItem[] items, Func<TItem, long, Task<TResult>> run, bool encrypts)
        where TResult : class
    {
        var results = new ItemResult<TResult>[items.Length];
        for (var i = 0; i < items.Length; i++)
        {
            var (item, left) = (items[i], items.Length - i);
            try
            {
                results[i] = new(await Guarded(() => run(item, left), isRepeatable: true), null);
            }
            catch (KmsException e)
            {
                CountFailed(encrypts, e.Code, 1);
                results[i] = new(null, new(e.Code, e.Message));
            }
        }

        return results;
    }

    private void CountFailed(bool encrypts, string code, int items)
    {
        if (encrypts)
        {
            KeyInstruments.EncryptionFailed(_keyTag, code, items);
        }
        else
        {
            KeyInstruments.DecryptionFailed(_keyTag, code, items);
        }
    }
}

using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys;

// Many operations with one key in one call.
public sealed partial class KeyGrain
{
    /// <inheritdoc/>
    public ValueTask<ItemResult<Encrypted>[]> EncryptBatch(EncryptBatch request) => Batch(
        request.Caller, KmsOperation.Encrypt, request.Items, i => (i.Plaintext?.Length ?? 0) + (i.AssociatedData?.Length ?? 0),
        item =>
        {
            KeyRequestRules.CheckPlaintext(item.Plaintext, item.AssociatedData, _options.MaxPlaintextBytes);
            return EncryptAtOnce(CiphertextKind.Data, item.Plaintext, item.AssociatedData, KeyInstruments.StartOfEncryption());
        },
        async (item, left) =>
        {
            var startedAt = KeyInstruments.StartOfEncryption();
            KeyRequestRules.CheckPlaintext(item.Plaintext, item.AssociatedData, _options.MaxPlaintextBytes);
            return await EncryptWhenReady(CiphertextKind.Data, item.Plaintext, item.AssociatedData, left, startedAt);
        },
        encrypts: true);

    /// <inheritdoc/>
    public ValueTask<ItemResult<Decrypted>[]> DecryptBatch(DecryptBatch request) => Batch(
        request.Caller, KmsOperation.Decrypt, request.Items, KeyRequestRules.SizeInBatch,
        item =>
        {
            KeyRequestRules.CheckAssociatedData(item.AssociatedData);
            return DecryptAtOnce(item.Ciphertext, item.AssociatedData);
        },
        async (item, _) =>
        {
            KeyRequestRules.CheckAssociatedData(item.AssociatedData);
            return await DecryptWhenReady(item.Ciphertext, item.AssociatedData);
        },
        encrypts: false);

    /// <inheritdoc/>
    public ValueTask<ItemResult<Encrypted>[]> RewrapBatch(DecryptBatch request) => Batch(
        request.Caller, KmsOperation.Rewrap, request.Items, KeyRequestRules.SizeInBatch,
        item => RewrapAtOnce(item.Ciphertext, item.AssociatedData, KeyInstruments.StartOfEncryption()),
        (item, left) => RewrapOne(item.Ciphertext, item.AssociatedData, left, KeyInstruments.StartOfEncryption()), encrypts: true);

    /// <summary>Runs each item; what concerns the whole key fails the whole call, what concerns an item only that item.</summary>
    private async ValueTask<ItemResult<TResult>[]> Batch<TItem, TResult>(
        Caller caller, KmsOperation operation, TItem[] items, Func<TItem, long> size, Func<TItem, TResult?> atOnce,
        Func<TItem, long, Task<TResult>> whenReady, bool encrypts)
        where TResult : class
    {
        CallInstruments.Count(caller, operation);
        try
        {
            while (true)
            {
                // As one of them, many wait for no turn where what they need is in memory: who has it may wait for the database.
                var row = encrypts && _encryptPath is null
                    ? await InTurn(() => Usable(Current), isRepeatable: true)
                    : await Guarded(() => Usable(() => Load().AsTask()), isRepeatable: true);

                // The first item's answer leaves only with the last one's.
                var results = new ItemResult<TResult>[items.Length];
                var first = 0;
                while (first < items.Length && RunAtOnce(items, results, first, atOnce))
                {
                    first++;
                }

                await SideBySide(
                    row, first, items.Length, i => RunAtOnce(items, results, i, atOnce)
                        ? Task.CompletedTask
                        : RunItem(items, results, i, whenReady));
                if (_mark is null || await _mark.Settle())
                {
                    CountAnswers(results, encrypts);
                    return results;
                }
            }
        }
        catch (KmsException e)
        {
            CountFailed(encrypts, e.Code, Math.Max(1, items?.Length ?? 0));
            throw;
        }

        async Task<KeyRow> Usable(Func<Task<KeyRow>> load)
        {
            KeyRequestRules.CheckBatch(items, size);
            var current = await load();
            KeyUsability.Require(current, KeyUsage.EncryptDecrypt);
            return current;
        }
    }

    /// <summary>
    /// Runs an item without a task, if everything is ready for it. Whether its answer, or its failure, is out of date is settled
    /// for all of the batch at the end.
    /// </summary>
    /// <returns>False where something has to be prepared first; then nothing was done. An item that fails has run.</returns>
    private bool RunAtOnce<TItem, TResult>(
        TItem[] items, ItemResult<TResult>[] results, int i, Func<TItem, TResult?> atOnce)
        where TResult : class
    {
        try
        {
            if (atOnce(items[i]) is not { } value)
            {
                return false;
            }

            results[i] = new(value, null);
        }
        catch (Exception e)
        {
            results[i] = Failed<TResult>(Translated(e));
        }

        return true;
    }

    private async Task RunItem<TItem, TResult>(
        TItem[] items, ItemResult<TResult>[] results, int i, Func<TItem, long, Task<TResult>> run)
        where TResult : class
    {
        try
        {
            results[i] = new(await Guarded(() => run(items[i], items.Length - i), isRepeatable: true), null);
        }
        catch (KmsException e)
        {
            results[i] = Failed<TResult>(e);
        }
    }

    private static ItemResult<TResult> Failed<TResult>(KmsException failure)
        where TResult : class => new(null, new(failure.Code, failure.Message));

    /// <summary>Counts what leaves, and not what was made: a batch that the fence withholds runs again.</summary>
    private void CountAnswers<TResult>(ItemResult<TResult>[] results, bool encrypts)
        where TResult : class
    {
        var succeeded = 0;
        foreach (var result in results)
        {
            if (result.Error is { } error)
            {
                CountFailed(encrypts, error.Code, 1);
            }
            else
            {
                succeeded++;
            }
        }

        if (succeeded > 0 && encrypts)
        {
            KeyInstruments.Encrypted(_keyTag, succeeded);
        }
        else if (succeeded > 0)
        {
            KeyInstruments.Decrypted(_keyTag, succeeded);
        }
    }

    private void CountFailed(bool encrypts, string code, int items)
    {
        if (encrypts)
        {
            KeyInstruments.EncryptionFailed(KeyTag, code, items);
        }
        else
        {
            KeyInstruments.DecryptionFailed(KeyTag, code, items);
        }
    }
}

using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Rows;

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
            item =>
            {
                KeyRequestRules.CheckPlaintext(item.Plaintext, item.AssociatedData, limit);
                return Encryption.AtOnce(key, KmsOperation.Encrypt, CiphertextKind.Data, item.Plaintext, item.AssociatedData, KeyInstruments.StartOf(KmsOperation.Encrypt));
            },
            async (item, left) =>
            {
                KeyRequestRules.CheckPlaintext(item.Plaintext, item.AssociatedData, limit);
                return await Encryption.WhenReady(
                    key, KmsOperation.Encrypt, CiphertextKind.Data, item.Plaintext, item.AssociatedData, left, KeyInstruments.StartOf(KmsOperation.Encrypt));
            }).Run(request.Caller);
    }

    public static ValueTask<ItemResult<Decrypted>[]> Decrypt(KeyActivation key, DecryptBatch request) => new Batch<DecryptItem, Decrypted>(
        key, KmsOperation.Decrypt, KeyUsage.EncryptDecrypt, request.Items, KeyRequestRules.SizeInBatch, Of,
        item =>
        {
            KeyRequestRules.CheckAssociatedData(item.AssociatedData);
            return Decryption.AtOnce(key, KmsOperation.Decrypt, item.Ciphertext, item.AssociatedData);
        },
        async (item, left) =>
        {
            KeyRequestRules.CheckAssociatedData(item.AssociatedData);
            return await Decryption.WhenReady(key, KmsOperation.Decrypt, item.Ciphertext, item.AssociatedData, left);
        }).Run(request.Caller);

    public static ValueTask<ItemResult<Encrypted>[]> Rewrap(KeyActivation key, DecryptBatch request) => new Batch<DecryptItem, Encrypted>(
        key, KmsOperation.Rewrap, KeyUsage.EncryptDecrypt, request.Items, KeyRequestRules.SizeInBatch, Of,
        item => Rewrapping.AtOnce(key, item.Ciphertext, item.AssociatedData, KeyInstruments.StartOf(KmsOperation.Encrypt)),
        (item, left) => Rewrapping.WhenReady(
            key, item.Ciphertext, item.AssociatedData, left, KeyInstruments.StartOf(KmsOperation.Encrypt))).Run(request.Caller);

    private static Call Of(Call call, DecryptItem item) =>
        call with { AssociatedData = item.AssociatedData, Kind = AccessContext.KindOf(item.Ciphertext) };
}

/// <summary>One batch.</summary>
/// <param name="key">The key.</param>
/// <param name="operation">The operation on each item.</param>
/// <param name="usage">What the key must be for.</param>
/// <param name="items">The items; may be anything.</param>
/// <param name="size">How much an item counts towards the size limit of a batch.</param>
/// <param name="ofItem">The call for a single item, for the key's own policy.</param>
/// <param name="atOnce">
/// Runs an item without waiting; null when something must be prepared first, and then nothing was done.
/// </param>
/// <param name="whenReady">Runs an item, given how many are left.</param>
internal sealed class Batch<TItem, TResult>(
    KeyActivation key, KmsOperation operation, KeyUsage usage, TItem[] items, Func<TItem, long> size, Func<Call, TItem, Call> ofItem,
    Func<TItem, TResult?> atOnce, Func<TItem, long, Task<TResult>> whenReady)
    where TResult : class
{
    /// <summary>Runs the items. The first answer leaves only with the last.</summary>
    public async ValueTask<ItemResult<TResult>[]> Run(Caller caller)
    {
        var call = KeyGate.Enter(operation, caller, items?.Length ?? 0);
        var outcome = await key.Gate.TryRun(() => RunAll(call), isRepeatable: true);
        return outcome.Refusal is { } refusal
            ? await key.Recorder.Refuse<ItemResult<TResult>[]>(call, refusal)
            : await key.Recorder.Leave(call, outcome.AnswerOrThrow());
    }

    private async Task<ItemResult<TResult>[]> RunAll(Call call)
    {
        KeyRequestRules.CheckBatch(items, size);

        // Settled before any item spends a use. Reads in parallel need no turn where everything is in memory: the holder of the
        // turn may be waiting for the database.
        var usable = operation.SpendsUse && !key.Primary.IsPrepared
            ? await key.Gate.TryRunInTurn(() => Usable(call, key.Current()), isRepeatable: true)
            : await key.Gate.TryRun(() => Usable(call, key.Load().AsTask()), isRepeatable: true);
        var row = usable.AnswerOrThrow();
        var results = new ItemResult<TResult>[items.Length];
        var first = 0;
        while (first < items.Length && RunAtOnce(call, results, first))
        {
            first++;
        }

        await SideBySide(row, first, i => RunAtOnce(call, results, i) ? Task.CompletedTask : RunWhenReady(call, results, i));
        return results;
    }

    private async Task<KeyRow> Usable(Call call, Task<KeyRow> loading)
    {
        var row = await loading;
        key.Policy.RequireForSome(call);
        KeyUsability.Require(row, usage);
        return row;
    }

    /// <summary>
    /// Runs an item without a task, if everything is ready for it. Whether its answer, or failure, is out of date is settled for
    /// the whole batch at the end.
    /// </summary>
    /// <returns>False when something must be prepared first; then nothing was done. A failed item has run.</returns>
    private bool RunAtOnce(Call call, ItemResult<TResult>[] results, int i)
    {
        try
        {
            key.Policy.Require(ofItem(call, items[i]));
            if (atOnce(items[i]) is not { } value)
            {
                return false;
            }

            results[i] = new(value, null);
        }
        catch (Exception e)
        {
            results[i] = Failed(key.Gate.Translated(e));
        }

        return true;
    }

    private async Task RunWhenReady(Call call, ItemResult<TResult>[] results, int i)
    {
        var outcome = await key.Gate.TryRun(() => whenReady(items[i], items.Length - i), isRepeatable: true, ofItem(call, items[i]));
        results[i] = outcome.Refusal is { } refusal ? Failed(refusal) : new(outcome.AnswerOrThrow(), null);
    }

    private static ItemResult<TResult> Failed(KmsException failure) => new(null, new(failure.Code, failure.Message));

    /// <summary>Runs the items from a given one on, in order, or as many in parallel as the key's provider does.</summary>
    private async Task SideBySide(KeyRow row, int first, Func<int, Task> run)
    {
        var next = first;
        var lanes = Math.Min(items.Length - first, key.Services.Providers.Find(row.Protection)?.Parallelism ?? 1);
        if (lanes <= 1)
        {
            await Lane();
        }
        else
        {
            await Task.WhenAll(Enumerable.Range(0, lanes).Select(_ => Lane()));
        }

        async Task Lane()
        {
            while (next < items.Length)
            {
                await run(next++);
            }
        }
    }
}

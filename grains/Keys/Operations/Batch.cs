using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys.Operations;

/// <summary>One batch.</summary>
/// <param name="key">The key.</param>
/// <param name="operation">The operation on each item.</param>
/// <param name="usage">What the key must be for.</param>
/// <param name="items">The items; may be anything.</param>
/// <param name="size">How much an item counts towards the size limit of a batch.</param>
/// <param name="ofItem">The call for a single item, for the key's own policy.</param>
/// <param name="require">Throws when a result may not leave, by the key as it is by then.</param>
/// <param name="deadline">After this no item is begun.</param>
/// <param name="atOnce">
/// Runs an item without waiting; null when something must be prepared first, and then nothing was done.
/// </param>
/// <param name="whenReady">Runs an item, given how many are left.</param>
internal sealed class Batch<TItem, TResult>(
    KeyActivation key, KmsOperation operation, KeyUsage usage, TItem[] items, Func<TItem, long> size, Func<Call, TItem, Call> ofItem,
    Action<KeyRow, TResult> require, Deadline deadline, Func<TItem, TResult?> atOnce, Func<TItem, long, Task<TResult>> whenReady)
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
        await SideBySide(call, row, results);
        if (key.Slot.NeedsRead || !ReferenceEquals(row, key.Slot.Row))
        {
            await WithholdOutdated(results);
        }

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

    /// <summary>
    /// Runs the items in order, or as many in parallel as the key's provider does. Others have their turn in between: a change of the key
    /// need not wait for the batch.
    /// </summary>
    private async Task SideBySide(Call call, KeyRow row, ItemResult<TResult>[] results)
    {
        var next = 0;

        // What takes a private key takes about a millisecond; of the others a whole batch takes a few.
        var itemsPerLook = usage == KeyUsage.SignVerify || KeyUsability.EncryptsByPublicKey(row) ? 1 : 16;
        var lanes = Math.Min(items.Length, key.Services.Providers.Find(row.Protection)?.Parallelism ?? 1);
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
            var pace = Pace.Begin();
            while (next < items.Length)
            {
                if (next % itemsPerLook == 0)
                {
                    if (deadline.IsOver)
                    {
                        Array.Fill(results, Failed(KmsError.Timeout.Exception("The batch took too long; this item was not begun.")), next, items.Length - next);
                        next = items.Length;
                        break;
                    }

                    if (pace.IsOver)
                    {
                        await Task.Yield();
                        pace = Pace.Begin();
                        continue;
                    }
                }

                var i = next++;
                if (!RunAtOnce(call, results, i))
                {
                    await RunWhenReady(call, results, i);
                }
            }
        }
    }

    /// <summary>The key changed while the items ran. What it was asked to stop in between, by a disable for example, does not leave.</summary>
    private async Task WithholdOutdated(ItemResult<TResult>[] results)
    {
        try
        {
            var row = await key.Load();
            for (var i = 0; i < results.Length; i++)
            {
                results[i] = Checked(row, results[i]);
            }
        }
        catch
        {
            WithheldAnswer.Zero(results);
            throw;
        }
    }

    private ItemResult<TResult> Checked(KeyRow row, ItemResult<TResult> result)
    {
        try
        {
            if (result.Value is { } value)
            {
                require(row, value);
            }

            return result;
        }
        catch (KmsException e)
        {
            WithheldAnswer.Zero(result.Value);
            return Failed(e);
        }
    }
}

using OrleansKms.Gateway.Http;
using OrleansKms.Gateway.Limits;

namespace OrleansKms.Gateway.Endpoints.Cryptography;

/// <summary>What became of a batch.</summary>
internal sealed class BatchAnswer
{
    /// <summary>One for each item, in order.</summary>
    public required ItemAnswer[] Results { get; init; }
}

/// <summary>
/// Batches for one key: items that break a rule get their error here, the others go to the grain in one call, and the answers
/// come together in the order of the request.
/// </summary>
internal static class Items
{
    /// <summary>Refuses a batch that is too large as a whole.</summary>
    /// <exception cref="KmsException">invalid_request, payload_too_large.</exception>
    public static void Check<T>(T?[] items, Func<T, long> bytes, Func<T, string?> reference)
        where T : class
    {
        if (items.Length is 0 or > KmsLimits.BatchItems)
        {
            throw KmsError.InvalidRequest.Exception($"A batch has 1 to {KmsLimits.BatchItems} items.");
        }

        var total = 0L;
        foreach (var item in items)
        {
            total += bytes(item ?? throw KmsError.InvalidRequest.Exception("An item is null."));
            if (reference(item)?.Length > KmsLimits.ReferenceLength)
            {
                throw KmsError.InvalidParameter.Exception($"A 'reference' has {KmsLimits.ReferenceLength} characters or less.");
            }
        }

        if (total > KmsLimits.BatchBytes)
        {
            throw KmsError.PayloadTooLarge.Exception($"A batch must be {KmsLimits.BatchBytes} bytes or less, before base64.");
        }
    }

    /// <summary>Runs the items that pass their check through one grain call.</summary>
    /// <param name="exchange">The request.</param>
    /// <param name="items">All items.</param>
    /// <param name="check">What is wrong with an item, or null.</param>
    /// <param name="convert">The item for the grain.</param>
    /// <param name="call">The grain call.</param>
    /// <param name="answer">The answer of an item that succeeded.</param>
    public static async Task<ItemAnswer[]> Run<TItem, TGrainItem, TValue>(
        Exchange exchange,
        TItem[] items,
        Func<SizeLimits, TItem, ErrorAnswer?> check,
        Func<TItem, TGrainItem> convert,
        Func<TGrainItem[], ValueTask<ItemResult<TValue>[]>> call,
        Func<TItem, TValue, ItemAnswer> answer)
        where TItem : IReferenced
        where TValue : class
    {
        var answers = new ItemAnswer[items.Length];
        var good = new List<int>(items.Length);
        for (var i = 0; i < items.Length; i++)
        {
            if (check(exchange.Limits, items[i]) is { } error)
            {
                answers[i] = new ItemAnswer { Reference = items[i].Reference, Error = error };
            }
            else
            {
                good.Add(i);
            }
        }

        if (good.Count == 0)
        {
            return answers;
        }

        var results = await call(good.ConvertAll(i => convert(items[i])).ToArray());
        for (var i = 0; i < good.Count; i++)
        {
            var item = items[good[i]];
            answers[good[i]] = results[i] switch
            {
                { Value: { } value } => answer(item, value),
                { Error: { } error } => new ItemAnswer { Reference = item.Reference, Error = ErrorAnswer.Of(error) },
                _ => new ItemAnswer { Reference = item.Reference, Error = ErrorAnswer.Of(KmsError.Internal) },
            };
        }

        return answers;
    }
}

/// <summary>An item that carries its caller's own mark.</summary>
internal interface IReferenced
{
    /// <summary>The caller's own mark, which its result repeats; up to 256 characters.</summary>
    string? Reference { get; }
}

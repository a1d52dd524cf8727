namespace OrleansKms.Gateway.Rest.Cryptography;

/// <summary>The outcome of a batch.</summary>
internal sealed class BatchAnswer
{
    /// <summary>One for each item, in order.</summary>
    public required ItemAnswer[] Results { get; init; }
}

/// <summary>Batches: the rules for the whole, and answers in the order of the request.</summary>
internal static class Items
{
    /// <summary>Refuses a batch that is too large as a whole.</summary>
    /// <exception cref="KmsException">invalid_request, payload_too_large.</exception>
    public static void Check<T>(T?[] items, Func<T, long> bytes, Func<T, string?> reference)
        where T : class
    {
        if (items.Length is 0 or > KmsLimits.BatchItems)
        {
            throw KmsError.InvalidRequest.Exception($"A batch must have 1 to {KmsLimits.BatchItems} items.");
        }

        var total = 0L;
        foreach (var item in items)
        {
            total += bytes(item ?? throw KmsError.InvalidRequest.Exception("An item is null."));
            if (reference(item)?.Length > KmsLimits.ReferenceLength)
            {
                throw KmsError.InvalidParameter.Exception($"A 'reference' must be at most {KmsLimits.ReferenceLength} "
                    + "characters.");
            }
        }

        if (total > KmsLimits.BatchBytes)
        {
            throw KmsError.PayloadTooLarge.Exception($"A batch must be at most {KmsLimits.BatchBytes} bytes, before base64.");
        }
    }

    /// <summary>Answers with the outcome of each item.</summary>
    /// <param name="exchange">The request.</param>
    /// <param name="items">The items.</param>
    /// <param name="results">Their results, in order.</param>
    /// <param name="answer">The answer of an item that succeeded.</param>
    public static Task Answer<TItem, TValue>(
        RestExchange exchange, TItem[] items, ItemResult<TValue>[] results, Func<TItem, TValue, ItemAnswer> answer)
        where TItem : IReferenced
        where TValue : class
    {
        var answers = new ItemAnswer[items.Length];
        for (var i = 0; i < answers.Length; i++)
        {
            answers[i] = results[i] switch
            {
                { Value: { } value } => answer(items[i], value),
                { Error: { } error } => new ItemAnswer { Reference = items[i].Reference, Error = ErrorAnswer.Of(error) },
                _ => new ItemAnswer { Reference = items[i].Reference, Error = ErrorAnswer.Of(KmsError.Internal) },
            };
        }

        return exchange.Answer(new BatchAnswer { Results = answers }, RestJson.Default.BatchAnswer);
    }
}

/// <summary>An item with its caller's own label.</summary>
internal interface IReferenced
{
    /// <summary>The caller's own label, repeated in its result; up to <see cref="KmsLimits.ReferenceLength"/> characters.</summary>
    string? Reference { get; }
}

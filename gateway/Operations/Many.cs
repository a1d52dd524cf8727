namespace OrleansKms.Gateway.Operations;

/// <summary>
/// Many items in one request: those that break a rule fail here, the others go to the grain in one call, and the results are
/// merged in order.
/// </summary>
internal static class Many
{
    /// <summary>Runs the items that pass their check through one grain call.</summary>
    /// <param name="request">The request.</param>
    /// <param name="operation">The operation.</param>
    /// <param name="key">The key.</param>
    /// <param name="items">All items.</param>
    /// <param name="check">Returns what is wrong with an item, or null.</param>
    /// <param name="call">The grain call.</param>
    public static ValueTask<ItemResult<TValue>[]> Run<TItem, TValue>(
        Call request, KmsOperation operation, string key, TItem[] items, Func<TItem, KmsException?> check,
        Func<TItem[], ValueTask<ItemResult<TValue>[]>> call)
        where TValue : class
    {
        // Authorizing the operation counted the first of them.
        var counting = request.Count(operation, key, items.Length - 1);
        return counting.IsCompletedSuccessfully
            ? RunCounted(request, operation, key, items, check, call)
            : RunWhenCounted(counting, request, operation, key, items, check, call);
    }

    private static async ValueTask<ItemResult<TValue>[]> RunWhenCounted<TItem, TValue>(
        ValueTask counting, Call request, KmsOperation operation, string key, TItem[] items, Func<TItem, KmsException?> check,
        Func<TItem[], ValueTask<ItemResult<TValue>[]>> call)
        where TValue : class
    {
        request.HasSpentTime();
        try
        {
            await counting;
        }
        catch (KmsException)
        {
            // The items are admitted or refused as a whole.
            request.Uncount(operation, key, 1);
            throw;
        }

        return await RunCounted(request, operation, key, items, check, call);
    }

    private static ValueTask<ItemResult<TValue>[]> RunCounted<TItem, TValue>(
        Call request, KmsOperation operation, string key, TItem[] items, Func<TItem, KmsException?> check,
        Func<TItem[], ValueTask<ItemResult<TValue>[]>> call)
        where TValue : class
    {
        ItemResult<TValue>?[]? refused = null;
        for (var i = 0; i < items.Length; i++)
        {
            if (check(items[i]) is { } problem)
            {
                refused ??= new ItemResult<TValue>?[items.Length];
                refused[i] = new(null, new(problem.Code, problem.Message));
            }
        }

        return refused is null ? call(items) : RunRest(request, operation, key, items, refused, call);
    }

    private static async ValueTask<ItemResult<TValue>[]> RunRest<TItem, TValue>(
        Call request, KmsOperation operation, string key, TItem[] items, ItemResult<TValue>?[] results,
        Func<TItem[], ValueTask<ItemResult<TValue>[]>> call)
        where TValue : class
    {
        // The grain does not see these, and records the others.
        foreach (var alike in results.OfType<ItemResult<TValue>>().GroupBy(result => result.Error!.Code, StringComparer.Ordinal))
        {
            var failure = Failure.Of(KmsError.All[alike.Key]);
            if (await request.Recorded(failure, operation, key, alike.Count()) is { } told && told != failure)
            {
                throw told.Error.Exception(told.Detail);
            }
        }

        TItem[] good = [.. items.Where((_, i) => results[i] is null)];
        if (good.Length > 0)
        {
            var answers = await call(good);
            var next = 0;
            for (var i = 0; i < results.Length; i++) results[i] ??= answers[next++];
        }

        return results!;
    }
}

namespace OrleansKms.Gateway.Operations;

/// <summary>
/// Pages of approvals across all keys whose approvals the caller may list, by key and then by time. The keys are queried a few at a time.
/// </summary>
internal static class ApprovalPages
{
    private const int AtOnce = 8;

    /// <summary>A page.</summary>
    /// <param name="Approvals">The approvals.</param>
    /// <param name="Failed">Keys of the page that could not be queried, and why.</param>
    /// <param name="Next">
    /// The position where the next page begins; null on the last one. It names no key that the caller may not see.
    /// </param>
    public sealed record Page(List<ApprovalDescription> Approvals, List<(string KeyId, Failure Failure)> Failed, string? Next);

    /// <summary>Collects a page.</summary>
    /// <param name="call">The request, authorized to list approvals.</param>
    /// <param name="key">The key whose approvals to list, authorized; null for all.</param>
    /// <param name="state">Only those in this state; null for all.</param>
    /// <param name="after">The position after which the page begins, or null.</param>
    /// <param name="limit">The maximum number of approvals.</param>
    public static async Task<Page> Collect(Call call, string? key, ApprovalState? state, string? after, int limit)
    {
        var page = new Page([], [], null);
        if (key is not null)
        {
            var all = await ApprovalCommands.List(call, key, state, isPart: false);
            return Filled(page, all, after, limit) ?? page;
        }

        var half = call.Remaining / 2;
        await foreach (var some in Keys(call, after, onlyPending: state == ApprovalState.Pending))
        {
            var answers = await Task.WhenAll(some.Select(id => Ask(call, id, state)));
            for (var i = 0; i < answers.Length; i++)
            {
                if (answers[i].Failure is { } failure) page.Failed.Add((some[i], failure));
                if (Filled(page, answers[i].Approvals, after, limit) is { } full) return full;
            }

            // When time runs short the page ends here: the next one continues after the last key queried.
            if (call.Remaining < half) return page with { Next = ApprovalId.Behind(some[^1]) };
        }

        return page;
    }

    private static Page? Filled(Page page, ApprovalDescription[] approvals, string? after, int limit)
    {
        foreach (var approval in approvals)
        {
            if (after is not null && string.CompareOrdinal(approval.Id, after) <= 0 && IsOfKeyOf(after, approval)) continue;
            if (page.Approvals.Count == limit) return page with { Next = page.Approvals[^1].Id };
            page.Approvals.Add(approval);
        }

        return null;
    }

    private static bool IsOfKeyOf(string place, ApprovalDescription approval) =>
        ApprovalId.TryReadPlace(place, out var key) && key == approval.KeyId;

    /// <summary>The keys that the caller may see, a few at a time, starting with the one in which the last page ended.</summary>
    private static async IAsyncEnumerable<string[]> Keys(Call call, string? after, bool onlyPending)
    {
        ApprovalId.TryReadPlace(after, out var last);
        if (last is not null && call.Allows(KmsOperation.ListApprovals, last)) yield return [last];
        while (true)
        {
            var page = await ApprovalCommands.ListKeys(call, last, onlyPending);
            foreach (var some in page.Ids.Where(id => call.Allows(KmsOperation.ListApprovals, id)).Chunk(AtOnce)) yield return some;
            if (!page.HasMore) yield break;
            last = page.Ids[^1];
        }
    }

    // A key that does not answer must not hide the others. A key that is gone has no approvals.
    private static async Task<(ApprovalDescription[] Approvals, Failure? Failure)> Ask(Call call, string id, ApprovalState? state)
    {
        try
        {
            return (await call.Within(ApprovalCommands.List(call, id, state, isPart: true)), null);
        }
        catch (KmsException e) when (e.Error == KmsError.KeyNotFound)
        {
            return ([], null);
        }
        catch (Exception e)
        {
            return ([], await call.FailureOf(e, KmsOperation.ListApprovals, id));
        }
    }
}

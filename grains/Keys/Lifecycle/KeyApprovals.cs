using System.Text.Json;
using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys.Lifecycle;

/// <summary>
/// The life of operations that need approval, as pure functions from one row to the next; nothing is written here. The rule in force at
/// each step decides, not the one when the operation was requested.
/// </summary>
internal static class KeyApprovals
{
    /// <summary>The caller in a stored request; the actual requester is stored next to it.</summary>
    private static readonly Caller _nobody = new("-", "-", "-");

    /// <summary>The row as of a time: overdue approvals have expired, void ones are cancelled, and old decided ones are dropped.</summary>
    /// <param name="row">The key.</param>
    /// <param name="now">The time.</param>
    /// <param name="epoch">The restore epoch.</param>
    /// <returns>The same instance if nothing changed.</returns>
    public static KeyRow Settle(KeyRow row, DateTimeOffset now, int epoch)
    {
        if (row.Approvals is not { } before) return row;
        var settled = before.Select(approval => Settle(approval, row, now, epoch)).ToList();
        var old = now - KmsLimits.DecidedApprovalsKept;
        var tooMany = settled.Count(IsDecided) - KmsLimits.DecidedApprovals;
        var kept = settled.Where(approval => !IsDecided(approval) || (tooMany-- <= 0 && approval.DecidedAt > old)).ToList();
        return kept.SequenceEqual(before, ReferenceEqualityComparer.Instance) ? row : row with { Approvals = kept.Count > 0 ? kept : null };
    }

    /// <summary>Finds an approval by number.</summary>
    /// <exception cref="KmsException">approval_not_found.</exception>
    public static KeyApproval Find(KeyRow row, string number) =>
        row.Approvals?.FirstOrDefault(approval => approval.Number == number) ?? throw KmsError.ApprovalNotFound.Exception();

    /// <summary>The votes for an approval; none if the row does not have it.</summary>
    public static IReadOnlyList<ApprovalVote> VotesOf(KeyRow row, string number) =>
        row.Approvals?.FirstOrDefault(approval => approval.Number == number)?.Approvals ?? [];

    /// <summary>The pending approval of the same operation, whoever requested it; or null.</summary>
    /// <param name="row">The key, settled.</param>
    /// <param name="request">The operation.</param>
    public static KeyApproval? FindSame(KeyRow row, RequestedOperation request)
    {
        var text = Text(Kept(request));
        return row.Approvals?.FirstOrDefault(approval => IsPending(approval) && Text(approval.Request) == text);
    }

    /// <summary>Requests an operation that the rule guards.</summary>
    /// <param name="row">The key, settled.</param>
    /// <param name="guard">The name under which the rule guards it.</param>
    /// <param name="request">The operation.</param>
    /// <param name="caller">The requester.</param>
    /// <param name="now">The time.</param>
    /// <param name="epoch">The restore epoch.</param>
    /// <exception cref="KmsException">conflict: too many are pending.</exception>
    public static KeyRow Ask(KeyRow row, string guard, RequestedOperation request, Caller caller, DateTimeOffset now, int epoch)
    {
        if (row.Approvals?.Count(IsPending) >= KmsLimits.PendingApprovals)
        {
            throw KmsError.Conflict.Exception($"{KmsLimits.PendingApprovals} operations of the key are pending already; approve, reject or cancel some first.");
        }

        return row with
        {
            Approvals =
            [
                .. row.Approvals ?? [],
                new()
                {
                    Number = ApprovalId.NewNumber(now),
                    Guard = guard,
                    Request = Kept(request),
                    RequestedBy = caller,
                    RequestedAt = now,
                    ExpiresAt = now + row.Approval!.Expires,
                    Epoch = epoch,
                },
            ],
        };
    }

    /// <summary>Approves.</summary>
    /// <param name="row">The key, settled.</param>
    /// <param name="number">The approval's number.</param>
    /// <param name="caller">The approver.</param>
    /// <param name="now">The time.</param>
    /// <exception cref="KmsException">approval_not_found; conflict; permission_denied.</exception>
    public static KeyRow Approve(KeyRow row, string number, Caller caller, DateTimeOffset now)
    {
        var approval = RequireApprover(row, RequirePending(row, number), caller);
        if (approval.Approvals.Any(vote => vote.Principal == caller.Principal))
        {
            throw KmsError.Conflict.Exception("You have approved this already; the other approvals must come from others.");
        }

        return With(row, approval with { Approvals = [.. approval.Approvals, new(caller.Principal, caller.Credential, now) { Source = caller.Source }] });
    }

    /// <summary>Removes votes of principals who may no longer approve.</summary>
    /// <param name="row">The key, settled.</param>
    /// <param name="number">The number of the approval.</param>
    /// <param name="votes">The votes.</param>
    public static KeyRow Without(KeyRow row, string number, IReadOnlyCollection<ApprovalVote> votes) =>
        votes.Count > 0 && Find(row, number) is var approval && IsPending(approval)
            ? With(row, approval with { Approvals = [.. approval.Approvals.Where(vote => !votes.Contains(vote))] })
            : row;

    /// <summary>Rejects, or ends what was granted.</summary>
    /// <inheritdoc cref="Approve"/>
    public static KeyRow Reject(KeyRow row, string number, Caller caller, DateTimeOffset now) =>
        With(row, Decided(row, RequireApprover(row, number, caller, now), ApprovalState.Rejected, now, caller.Principal));

    /// <summary>Withdraws the request, or ends what was granted.</summary>
    /// <inheritdoc cref="Approve"/>
    public static KeyRow Cancel(KeyRow row, string number, Caller caller, DateTimeOffset now) =>
        With(row, Decided(row, RequireOpen(row, number, now), ApprovalState.Cancelled, now, caller.Principal));

    /// <summary>Marks the approval as executed.</summary>
    /// <param name="row">The key after the operation; its rule may have changed.</param>
    /// <param name="approved">The approval before.</param>
    /// <param name="before">The key before the operation.</param>
    /// <param name="caller">The last approver.</param>
    /// <param name="now">The time.</param>
    public static KeyRow Execute(KeyRow row, KeyApproval approved, KeyRow before, Caller caller, DateTimeOffset now) =>
        With(row, Decided(before, approved, ApprovalState.Executed, now, caller.Principal));

    /// <summary>Marks an approved operation as failed, since it is no longer possible.</summary>
    /// <param name="row">The key.</param>
    /// <param name="approved">The approval.</param>
    /// <param name="why">The reason.</param>
    /// <param name="caller">The last approver.</param>
    /// <param name="now">The time.</param>
    public static KeyRow Fail(KeyRow row, KeyApproval approved, KmsException why, Caller caller, DateTimeOffset now) =>
        With(row, Decided(row, approved, ApprovalState.Failed, now, caller.Principal) with { Error = why.Code, Detail = why.Message });

    /// <summary>Fails everything pending, since the key is destroyed.</summary>
    /// <param name="row">The key.</param>
    /// <param name="now">The time.</param>
    public static KeyRow FailAll(KeyRow row, DateTimeOffset now) => row.Approvals is not { } approvals || !approvals.Any(IsPending)
        ? row
        : row with
        {
            Approvals =
            [
                .. approvals.Select(approval => IsPending(approval)
                    ? Decided(row, approval, ApprovalState.Failed, now, null) with { Error = KmsError.KeyDestroyed.Code, Detail = KmsError.KeyDestroyed.Title }
                    : approval),
            ],
        };

    /// <summary>
    /// The approvals that permit an operation whose answer is for its requester alone: to the requester, until they expire or are used up,
    /// as long as the votes suffice under the rule in force. Whether who voted still may is for the caller to judge.
    /// </summary>
    /// <param name="row">The key.</param>
    /// <param name="request">The operation.</param>
    /// <param name="caller">Who asks.</param>
    /// <param name="now">The time.</param>
    /// <param name="epoch">The restore epoch.</param>
    public static IEnumerable<KeyApproval> Grants(KeyRow row, RequestedOperation request, Caller caller, DateTimeOffset now, int epoch)
    {
        var text = Text(Kept(request));
        return (row.Approvals ?? []).Where(approval =>
            IsGrant(approval) && approval.RequestedBy.Principal == caller.Principal && approval.Epoch == epoch
            && now < Deadline(row.Approval, approval) && Text(approval.Request) == text && IsComplete(row, approval));
    }

    /// <summary>Uses up what was granted once.</summary>
    /// <param name="row">The key after what was granted.</param>
    /// <param name="grant">One of its approvals.</param>
    /// <param name="now">The time.</param>
    public static KeyRow Use(KeyRow row, KeyApproval grant, DateTimeOffset now) => With(row, grant with { UsedAt = now });

    /// <summary>Whether the approvals suffice under the rule in force.</summary>
    public static bool IsComplete(KeyRow row, KeyApproval approval) => Counting(row.Approval, approval).Count() >= row.Approval!.Required;

    /// <summary>Describes an approval in the contract's terms.</summary>
    /// <param name="keyId">The key's id.</param>
    /// <param name="row">The key, settled.</param>
    /// <param name="approval">The approval.</param>
    public static ApprovalDescription Describe(string keyId, KeyRow row, KeyApproval approval) => new()
    {
        Id = ApprovalId.Of(keyId, approval.Number),
        KeyId = keyId,
        Guard = approval.Guard,
        Request = approval.Request,
        State = approval.State,
        RequestedBy = approval.RequestedBy.Principal,
        RequestedAt = approval.RequestedAt,
        ExpiresAt = Deadline(row.Approval, approval),
        Required = approval.Required ?? row.Approval?.Required ?? 0,
        Approvals = [.. (IsPending(approval) ? Counting(row.Approval, approval) : approval.Approvals).Select(vote => new ApprovalGiven(vote.Principal, vote.At))],
        DecidedAt = approval.DecidedAt,
        DecidedBy = approval.DecidedBy,
        Error = approval.Error,
        Detail = approval.Detail,
    };

    private static bool IsPending(KeyApproval approval) => approval.State == ApprovalState.Pending;

    private static bool IsDecided(KeyApproval approval) => !IsPending(approval);

    private static bool IsGrant(KeyApproval approval) =>
        approval is { State: ApprovalState.Executed, UsedAt: null } && GuardedOperations.IsForTheRequester(approval.Request.Operation);

    private static KeyApproval Settle(KeyApproval approval, KeyRow row, DateTimeOffset now, int epoch)
    {
        if (IsDecided(approval)) return approval;
        if (approval.Epoch < epoch)
        {
            return Decided(row, approval, ApprovalState.Cancelled, now, null) with
            {
                Detail = "The database has been restored from a backup, so the approval may have been decided since; request the operation again.",
            };
        }

        var deadline = Deadline(row.Approval, approval);
        if (now >= deadline) return Decided(row, approval, ApprovalState.Expired, deadline, null);
        return ApprovalRules.Guard(row.Approval, approval.Request) is not null
            ? approval
            : Decided(row, approval, ApprovalState.Cancelled, now, null) with { Detail = "The key's rule no longer guards the operation; request it again." };
    }

    // A rule that grants less time than the earlier one applies to pending approvals too, and to what is still permitted.
    private static DateTimeOffset Deadline(ApprovalRule? rule, KeyApproval approval)
    {
        var deadline = approval.ExpiresAt;
        if (IsGrant(approval) && approval.DecidedAt + KmsLimits.GrantLife is { } end && end < deadline)
        {
            deadline = end;
        }

        return (IsPending(approval) || IsGrant(approval)) && rule is not null && approval.RequestedAt + rule.Expires < deadline
            ? approval.RequestedAt + rule.Expires
            : deadline;
    }

    private static IEnumerable<ApprovalVote> Counting(ApprovalRule? rule, KeyApproval approval) => approval.Approvals
        .Where(vote => vote.Principal != approval.RequestedBy.Principal && ApprovalRules.MayApprove(rule, vote.Principal))
        .DistinctBy(vote => vote.Principal);

    private static KeyApproval RequirePending(KeyRow row, string number)
    {
        var approval = Find(row, number);
        return IsPending(approval)
            ? approval
            : throw KmsError.Conflict.Exception($"The approval is no longer pending: it is {approval.State.ToString().ToLowerInvariant()}.");
    }

    // What an executed approval permits can be ended like what is pending.
    private static KeyApproval RequireOpen(KeyRow row, string number, DateTimeOffset now) =>
        Find(row, number) is var approval && IsGrant(approval) && now < Deadline(row.Approval, approval)
            ? approval
            : RequirePending(row, number);

    private static KeyApproval RequireApprover(KeyRow row, string number, Caller caller, DateTimeOffset now) =>
        RequireApprover(row, RequireOpen(row, number, now), caller);

    private static KeyApproval RequireApprover(KeyRow row, KeyApproval approval, Caller caller)
    {
        if (caller.Principal == approval.RequestedBy.Principal)
        {
            throw KmsError.PermissionDenied.Exception("The requester of an operation cannot decide on it.");
        }

        return ApprovalRules.MayApprove(row.Approval, caller.Principal)
            ? approval
            : throw KmsError.PermissionDenied.Exception("The principal is not an approver under the key's rule.");
    }

    private static KeyApproval Decided(KeyRow row, KeyApproval approval, ApprovalState state, DateTimeOffset now, string? by) => approval with
    {
        State = state,
        Request = WithoutTexts(approval.Request),
        ExpiresAt = Deadline(row.Approval, approval),
        Approvals = [.. Counting(row.Approval, approval)],
        Required = row.Approval?.Required,
        DecidedAt = now,
        DecidedBy = by,
    };

    private static KeyRow With(KeyRow row, KeyApproval approval) =>
        row with { Approvals = [.. row.Approvals!.Select(a => a.Number == approval.Number ? approval : a)] };

    private static RequestedOperation Kept(RequestedOperation request) =>
        request.Update is { } update ? request with { Update = update with { Caller = _nobody } } : request;

    // Decided approvals are kept for long, and every change rewrites the whole row.
    private static RequestedOperation WithoutTexts(RequestedOperation request) =>
        request.Update is { } update ? request with { Update = update with { Description = default, Tags = default } }
        : request.Policy is not null ? request with { Policy = null }
        : request;

    private static string Text(RequestedOperation request) => JsonSerializer.Serialize(request, KeyRowJson.Default.RequestedOperation);
}

using OrleansKms.Grains.Audit;

namespace OrleansKms.Grains.Keys.Activation;

/// <summary>
/// The one way out of a key: every answer leaves by <see cref="Leave{T}(in Call, T)"/> and every refusal by
/// <see cref="Refuse{T}"/>, once the audit trail has it, and is counted once. Whether it is up to date is decided before
/// (<see cref="KeyGate"/>), and again if the audit trail made it wait.
/// </summary>
internal sealed class KeyRecorder(KeyActivation key)
{
    /// <summary>An answer leaves.</summary>
    public ValueTask<T> Leave<T>(in Call call, T answer)
    {
        if (key.Services.Audit is { } audit)
        {
            // Keeping it may have taken long, even if this call did the work itself and nothing is left to wait for.
            var kept = Keep(audit, call, null, answer);
            if (!kept.IsCompletedSuccessfully || !key.Gate.MayLeave)
            {
                return LeaveWhenKept(call, answer, kept);
            }
        }

        Record(call, null, 1);
        return new(answer);
    }

    /// <summary>The answers and refusals of a batch leave together.</summary>
    public ValueTask<ItemResult<T>[]> Leave<T>(in Call call, ItemResult<T>[] items)
        where T : class
    {
        if (key.Services.Audit is { } audit)
        {
            var kept = Keep(audit, call, null, items);
            if (!kept.IsCompletedSuccessfully || !key.Gate.MayLeave)
            {
                return LeaveWhenKept(call, items, kept);
            }
        }

        RecordItems(call, items);
        return new(items);
    }

    /// <summary>A refusal leaves, for the whole call.</summary>
    public ValueTask<T> Refuse<T>(in Call call, Exception failure)
    {
        var refusal = key.Gate.Translated(failure);
        if (key.Services.Audit is { } audit)
        {
            var kept = Keep<T>(audit, call, refusal.Code, default, refusal.Approval?.Id);
            if (!kept.IsCompletedSuccessfully)
            {
                return RefuseWhenKept<T>(call, refusal, kept);
            }
        }

        refusal.IsRecorded = true;
        return LeaveRefused<T>(call, refusal);
    }

    /// <summary>Counts an operation's answer or refusal in the metrics.</summary>
    /// <param name="call">The call.</param>
    /// <param name="code">The error's code; null for an answer.</param>
    /// <param name="times">The number of items.</param>
    private void Record(in Call call, string? code, int times)
    {
        if (call.Operation.UsesMaterial)
        {
            KeyInstruments.Left(key.Tag, call.Operation, code, times);
        }
    }

    private void RecordItems<T>(in Call call, ItemResult<T>[] items)
        where T : class
    {
        var answers = 0;
        foreach (var item in items)
        {
            if (item.Error is { } error)
            {
                Record(call, error.Code, 1);
            }
            else
            {
                answers++;
            }
        }

        if (answers > 0)
        {
            Record(call, null, answers);
        }
    }

    /// <summary>Writes the audit record of an operation.</summary>
    private ValueTask Keep<T>(AuditLog audit, in Call call, string? code, T? answer, string? detail = null)
    {
        var facts = AnswerFacts.Of(answer);
        return audit.Write(new(call.Operation.Name, code ?? AuditRecord.Ok)
        {
            Caller = call.Caller,
            KeyId = key.Id,
            KeyVersion = call.Version ?? facts.KeyVersion,
            Bytes = call.Bytes ?? facts.Bytes,
            Items = facts.Items ?? (call.Items == 1 ? null : call.Items),
            FailedItems = facts.FailedItems,
            AssociatedData = call.AssociatedData is { } associatedData ? associatedData : default(ReadOnlyMemory<byte>?),
            Detail = detail ?? call.Detail ?? facts.Detail,
            Revision = IsChange(call, code) ? key.Slot.Row?.Revision : null,
        });
    }

    // A request that waits for approval is stored in the row, too.
    private static bool IsChange(in Call call, string? code) => code is null ? call.Operation.Group == KmsOperationGroup.Manage : code == KmsError.ApprovalPending.Code;

    private async ValueTask<T> LeaveWhenKept<T>(Call call, T answer, ValueTask kept)
    {
        try
        {
            await kept;
            await RequireFresh();
        }
        catch (KmsException e)
        {
            WithheldAnswer.Zero(answer);
            return await LeaveRefused<T>(call, e);
        }

        Record(call, null, 1);
        return answer;
    }

    private async ValueTask<ItemResult<T>[]> LeaveWhenKept<T>(Call call, ItemResult<T>[] items, ValueTask kept)
        where T : class
    {
        try
        {
            await kept;
            await RequireFresh();
        }
        catch (KmsException e)
        {
            WithheldAnswer.Zero(items);
            return await LeaveRefused<ItemResult<T>[]>(call, e);
        }

        RecordItems(call, items);
        return items;
    }

    private async ValueTask<T> RefuseWhenKept<T>(Call call, KmsException refusal, ValueTask kept)
    {
        try
        {
            await kept;
            refusal.IsRecorded = true;
        }
        catch (KmsException e)
        {
            refusal = e;
        }

        return await LeaveRefused<T>(call, refusal);
    }

    private ValueTask<T> LeaveRefused<T>(in Call call, KmsException refusal)
    {
        Record(call, refusal.Code, Math.Max(1, call.Items));
        key.Gate.EndIfAbsent();
        return ValueTask.FromException<T>(refusal);
    }

    /// <summary>Writing the record may have taken long, so the earlier decision is checked once more.</summary>
    private async ValueTask RequireFresh()
    {
        if (!key.Gate.MayLeave && !await key.Mark!.Settle())
        {
            throw KmsError.Unavailable.Exception("The key was changed while the answer waited for the audit trail; try again.");
        }
    }
}

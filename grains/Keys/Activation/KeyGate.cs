using System.Collections.Frozen;
using System.Security.Cryptography;
using Orleans.Storage;
using OrleansKms.Grains.Audit;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Keys.Activation;

/// <summary>
/// The one way into a key and out of it. A call enters by <see cref="Enter"/>, spends by <see cref="TrySpend"/>, and what comes of it
/// leaves by <see cref="Leave{T}(in Call, T)"/> or <see cref="Refuse{T}"/>: not while it may be out of date, and counted once. Both
/// go through <see cref="Record"/> and <see cref="Keep{T}"/>: nothing leaves before the audit trail has it.
/// </summary>
internal sealed class KeyGate(KeyActivation key)
{
    private const int MaxLostRaces = 3;

    // Refusals that may be out of date as an answer may.
    private static readonly FrozenSet<string> _saysHowTheKeyIs = new[]
    {
        KmsError.KeyNotFound, KmsError.KeyDisabled, KmsError.KeyPendingDeletion, KmsError.KeyPendingImport, KmsError.KeyDestroyed,
        KmsError.VersionNotUsable, KmsError.KeyExhausted,

        // Of a version that another activation has made since.
        KmsError.InvalidCiphertext,
    }.Select(e => e.Code).ToFrozenSet(StringComparer.Ordinal);

    private readonly Absence _absence = new();

    /// <summary>Whether an answer may leave now, without waiting. Asked after the work is done.</summary>
    public bool MayLeave => key.Mark is null or { MayAnswer: true };

    /// <summary>A call arrives.</summary>
    /// <param name="operation">What is asked for.</param>
    /// <param name="caller">Who asks.</param>
    /// <param name="items">How many items the call has.</param>
    public static Call Enter(KmsOperation operation, Caller caller, int items = 1)
    {
        if (operation.SpendsUse || operation == KmsOperation.Decrypt)
        {
            CallInstruments.Count(caller, operation);
        }

        return new(operation, caller, items, operation.SpendsUse ? KeyInstruments.StartOfEncryption() : 0);
    }

    /// <summary>Spends a use of the primary version. A use that is spent is never given back.</summary>
    /// <returns>The version; null where something has to be prepared first, and then nothing was spent.</returns>
    public ReadyVersion? TrySpend() => key.Primary.Ready is { } ready && ready.Meter.TrySpend() ? ready : null;

    /// <summary>Counts an encryption that was made, whether or not its answer leaves.</summary>
    /// <param name="version">What <see cref="TrySpend"/> gave for it.</param>
    /// <param name="bytes">Bytes encrypted.</param>
    /// <param name="startedAt">When it began, as in <see cref="Call"/>.</param>
    public void Made(ReadyVersion version, int bytes, long startedAt)
    {
        version.Meter.CountBytes(bytes, key.Services.Time.GetUtcNow().UtcTicks);
        key.Counters.SaveSoon();
        KeyInstruments.EncryptionMade(key.Tag, startedAt);

        // Last: a renewal can fail at once, as a lost race, and that closes the version.
        key.Primary.RenewInBackground(version);
    }

    /// <summary>An answer leaves.</summary>
    public ValueTask<T> Leave<T>(in Call call, T answer)
    {
        if (key.Services.Audit is { } audit)
        {
            var kept = Keep(audit, call, null, answer);
            if (!kept.IsCompletedSuccessfully)
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
            if (!kept.IsCompletedSuccessfully)
            {
                return LeaveWhenKept(call, items, kept);
            }
        }

        RecordItems(call, items);
        return new(items);
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

    /// <summary>A refusal leaves, for the whole call.</summary>
    public ValueTask<T> Refuse<T>(in Call call, Exception failure)
    {
        var refusal = Translated(failure);
        if (key.Services.Audit is { } audit)
        {
            var kept = Keep<T>(audit, call, refusal.Code, default);
            if (!kept.IsCompletedSuccessfully)
            {
                return RefuseWhenKept<T>(call, refusal, kept);
            }
        }

        return LeaveRefused<T>(call, refusal);
    }

    /// <summary>Runs an operation that may wait, and lets its answer or its refusal leave.</summary>
    /// <param name="call">The call.</param>
    /// <param name="operation">The operation.</param>
    /// <param name="isRepeatable">As for <see cref="TryRun"/>.</param>
    public async Task<T> Run<T>(Call call, Func<Task<T>> operation, bool isRepeatable = false)
    {
        var outcome = await TryRun(operation, isRepeatable);
        return outcome.Refusal is { } refusal ? await Refuse<T>(call, refusal) : await Leave(call, outcome.AnswerOrThrow());
    }

    /// <summary>As <see cref="Run"/>, for what must not interleave with its like.</summary>
    public Task<T> RunInTurn<T>(Call call, Func<Task<T>> operation, bool isRepeatable = false) => Run(call, InTurn(operation), isRepeatable);

    /// <summary>As <see cref="TryRun"/>, for what must not interleave with its like.</summary>
    public Task<Outcome<T>> TryRunInTurn<T>(Func<Task<T>> operation, bool isRepeatable) => TryRun(InTurn(operation), isRepeatable);

    /// <summary>Runs an operation until it has an answer or a refusal that is not out of date. It does not leave by this.</summary>
    /// <param name="operation">The operation.</param>
    /// <param name="isRepeatable">
    /// Whether it may run again where a row turns out to have changed behind it. What has made its change does not: that it
    /// was committed shows that it went by the newest row.
    /// </param>
    /// <returns><see cref="OutcomeKind.Answer"/> or <see cref="OutcomeKind.Refusal"/>.</returns>
    public async Task<Outcome<T>> TryRun<T>(Func<Task<T>> operation, bool isRepeatable)
    {
        try
        {
            for (var lostRaces = 0; ;)
            {
                var outcome = await Attempt(operation, isRepeatable, mayLoseRace: isRepeatable && lostRaces < MaxLostRaces);
                switch (outcome.Kind)
                {
                    case OutcomeKind.Outdated:
                        break;
                    case OutcomeKind.LostRace:
                        // As when a silo stops: its activation writes its last counters while this one, which has taken over, reserves.
                        lostRaces++;
                        key.LostRace();
                        break;
                    default:
                        return outcome;
                }
            }
        }
        finally
        {
            EndIfAbsent();
        }
    }

    /// <summary>Sees to the failure of work that nobody waits for.</summary>
    public async Task Observe(Task work)
    {
        try
        {
            await work;
        }
        catch (Exception e)
        {
            Translated(e);
        }
    }

    /// <summary>What callers are told of a failure. Nothing but this leaves.</summary>
    public KmsException Translated(Exception failure)
    {
        switch (failure)
        {
            case KmsException expected:
                return expected;
            case InconsistentStateException:
                key.LostRace();
                return KmsError.Conflict.Exception("Another activation of the key changed it at the same time; try again.");
            case MaterialOutdatedException:
                return KmsError.KeyCorrupted.Exception();
            case StorageFailedException storage:
                key.Services.Logger.StorageFailed(key.Id, storage.OutcomeUnknown, storage);
                return KmsError.StorageUnavailable.Exception();
            default:
                key.Services.Logger.Unexpected(key.Id, failure);
                return KmsError.Internal.Exception();
        }
    }

    /// <summary>
    /// Callers can name any id, and be refused for whatever reason before or after the row is looked for: an activation that has
    /// no row must not stay in memory.
    /// </summary>
    public void EndIfAbsent()
    {
        if (key.Slot.Row is null)
        {
            _absence.End(key.Grain, () => key.Slot.Row is null, key.End);
        }
    }

    /// <summary>What is kept of every operation that a caller is answered: for now, metrics.</summary>
    /// <param name="call">The call.</param>
    /// <param name="code">The error's code; null for an answer.</param>
    /// <param name="times">How many items it is of.</param>
    private void Record(in Call call, string? code, int times)
    {
        if (call.Operation.SpendsUse)
        {
            KeyInstruments.Encrypted(key.Tag, code, times);
        }
        else if (call.Operation == KmsOperation.Decrypt)
        {
            KeyInstruments.Decrypted(key.Tag, code, times);
        }
    }

    /// <summary>Writes what is kept of an operation to the audit trail, where it stays.</summary>
    private ValueTask Keep<T>(AuditLog audit, in Call call, string? code, T? answer)
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
            Revision = code is null && call.Operation.Group == KmsOperationGroup.Manage ? key.Slot.Row?.Revision : null,
        });
    }

    private async ValueTask<T> LeaveWhenKept<T>(Call call, T answer, ValueTask kept)
    {
        try
        {
            await kept;
            await RequireFresh();
        }
        catch (KmsException e)
        {
            Withhold(answer);
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
            Withhold(items);
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
        EndIfAbsent();
        return ValueTask.FromException<T>(refusal);
    }

    /// <summary>The wait for a disk may have been long: what was decided before it is asked once more.</summary>
    private async ValueTask RequireFresh()
    {
        if (!MayLeave && !await key.Mark!.Settle())
        {
            throw KmsError.Unavailable.Exception("The key was changed while the answer waited for the audit trail; try again.");
        }
    }

    private Func<Task<T>> InTurn<T>(Func<Task<T>> operation) => async () =>
    {
        using (await key.Turns.Begin())
        {
            return await operation();
        }
    };

    private async Task<Outcome<T>> Attempt<T>(Func<Task<T>> operation, bool isRepeatable, bool mayLoseRace)
    {
        var writes = key.Slot.Writes;
        T? answer = default;
        KmsException? refusal = null;
        try
        {
            answer = await key.WithMaterialOfToday(operation);
        }
        catch (InconsistentStateException) when (mayLoseRace)
        {
            return Outcome<T>.LostRace;
        }
        catch (Exception e)
        {
            refusal = Translated(e);
        }

        var hasWritten = writes != key.Slot.Writes;
        var mayBeOutdated = refusal is null ? isRepeatable || !hasWritten : !hasWritten && _saysHowTheKeyIs.Contains(refusal.Code);
        try
        {
            if (mayBeOutdated && key.Mark is { } mark && !await mark.Settle())
            {
                Withhold(answer);
                return Outcome<T>.Outdated;
            }
        }
        catch (KmsException e)
        {
            Withhold(answer);
            return Outcome<T>.Refused(e);
        }

        return refusal is null ? Outcome<T>.Answered(answer!) : Outcome<T>.Refused(refusal);
    }

    // What does not leave must not stay readable either.
    private static void Withhold<T>(T? answer)
    {
        switch (answer)
        {
            case Decrypted decrypted:
                CryptographicOperations.ZeroMemory(decrypted.Plaintext);
                break;
            case DataKey dataKey:
                CryptographicOperations.ZeroMemory(dataKey.Plaintext);
                break;
            case ItemResult<Decrypted>[] items:
                foreach (var item in items)
                {
                    CryptographicOperations.ZeroMemory(item.Value?.Plaintext);
                }

                break;
        }
    }
}

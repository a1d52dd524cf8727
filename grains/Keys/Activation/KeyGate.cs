using System.Collections.Frozen;
using Orleans.Storage;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Keys.Activation;

/// <summary>
/// The one way into a key. A call enters by <see cref="Enter"/> and spends by <see cref="TrySpend"/>; work that may wait goes through
/// <see cref="Run"/>, which repeats it while its outcome is out of date. What comes of it leaves through <see cref="KeyRecorder"/>.
/// </summary>
internal sealed class KeyGate(KeyActivation key)
{
    private const int MaxLostRaces = 3;

    // Refusals that may be out of date, as an answer may be.
    private static readonly FrozenSet<string> _saysHowTheKeyIs = new[]
    {
        KmsError.KeyNotFound, KmsError.KeyDisabled, KmsError.KeyPendingDeletion, KmsError.KeyPendingImport, KmsError.KeyDestroyed,
        KmsError.VersionNotUsable, KmsError.KeyExhausted, KmsError.RateLimited,

        KmsError.ApprovalPending, KmsError.ApprovalNotFound,

        // From the key's own policy.
        KmsError.PermissionDenied,

        // For a version that another activation has made since.
        KmsError.InvalidCiphertext,
    }.Select(e => e.Code).ToFrozenSet(StringComparer.Ordinal);

    private readonly Absence _absence = new();

    /// <summary>Whether an answer may leave now, without waiting. Check it after the work is done.</summary>
    public bool MayLeave => key.Mark is null or { MayAnswer: true };

    /// <summary>A call arrives.</summary>
    /// <param name="operation">The operation.</param>
    /// <param name="caller">The caller.</param>
    /// <param name="items">The number of items.</param>
    public static Call Enter(KmsOperation operation, Caller caller, int items = 1)
    {
        if (operation.UsesMaterial)
        {
            CallInstruments.Count(caller, operation);
        }

        return new(operation, caller, items, operation.SpendsUse ? KeyInstruments.StartOf(operation) : 0);
    }

    /// <summary>Spends a use of the primary version and of the key's limits. A spent use is never given back.</summary>
    /// <param name="limited">The operation that the limits count; null if they have counted it already.</param>
    /// <returns>The version; null when something must be prepared first, and then nothing was spent.</returns>
    public ReadyVersion? TrySpend(KmsOperation? limited) =>
        key.Primary.Ready is { Meter.CanSpend: true } ready && key.Limits.TrySpend(limited) && ready.Meter.TrySpend() ? ready : null;

    /// <summary>Counts an operation that spent a use and was made, whether or not its answer leaves.</summary>
    /// <param name="operation">The operation: what its duration is recorded as.</param>
    /// <param name="version">The result of <see cref="TrySpend"/>.</param>
    /// <param name="bytes">Bytes encrypted, signed or authenticated.</param>
    /// <param name="startedAt">When it began, as in <see cref="Call"/>.</param>
    public void Made(KmsOperation operation, ReadyVersion version, int bytes, long startedAt)
    {
        version.Meter.CountBytes(bytes, key.Services.Time.GetUtcNow().UtcTicks);
        key.Counters.SaveSoon();
        KeyInstruments.Took(key.Tag, operation, startedAt);

        // Last: a renewal can fail at once, as a lost race, and that closes the version.
        key.Primary.RenewInBackground(version);
    }

    /// <summary>Runs an operation that may wait, and lets its answer or refusal leave.</summary>
    /// <param name="call">The call.</param>
    /// <param name="operation">The operation.</param>
    /// <param name="isRepeatable">As for <see cref="TryRun"/>.</param>
    public async Task<T> Run<T>(Call call, Func<Task<T>> operation, bool isRepeatable = false)
    {
        var outcome = await TryRun(Limited(call.Operation, operation), isRepeatable, call);
        return outcome.Refusal is { } refusal
            ? await key.Recorder.Refuse<T>(call, refusal)
            : await key.Recorder.Leave(call, outcome.AnswerOrThrow());
    }

    /// <summary>Like <see cref="Run"/>, for operations that must not interleave with each other.</summary>
    public Task<T> RunInTurn<T>(Call call, Func<Task<T>> operation, bool isRepeatable = false) => Run(call, InTurn(operation), isRepeatable);

    /// <summary>Like <see cref="TryRun"/>, for operations that must not interleave with each other.</summary>
    public Task<Outcome<T>> TryRunInTurn<T>(Func<Task<T>> operation, bool isRepeatable, Call? call = null) =>
        TryRun(InTurn(operation), isRepeatable, call);

    /// <summary>Runs an operation until it has an answer or a refusal that is not out of date, and returns that.</summary>
    /// <param name="operation">The operation.</param>
    /// <param name="isRepeatable">
    /// Whether it may run again when a row turns out to have changed behind it. An operation that has committed its change does
    /// not run again: the commit shows that it used the newest row.
    /// </param>
    /// <param name="call">The call to check against the key's own policy; null if that happens elsewhere.</param>
    /// <returns><see cref="OutcomeKind.Answer"/> or <see cref="OutcomeKind.Refusal"/>.</returns>
    public async Task<Outcome<T>> TryRun<T>(Func<Task<T>> operation, bool isRepeatable, Call? call = null)
    {
        try
        {
            for (var lostRaces = 0; ;)
            {
                var outcome = await Attempt(operation, call, isRepeatable, mayLoseRace: isRepeatable && lostRaces < MaxLostRaces);
                switch (outcome.Kind)
                {
                    case OutcomeKind.Outdated:
                        break;
                    case OutcomeKind.LostRace:
                        // For example, a stopping silo's activation still reserves while this one has taken over.
                        lostRaces++;
                        key.LostRace();
                        break;
                    case OutcomeKind.MaterialNotReady:
                        if (await MakeMaterial() is { } failure)
                        {
                            return Outcome<T>.Refused(failure);
                        }

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

    /// <summary>Handles the failure of work that nobody waits for.</summary>
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

    /// <summary>What callers are told about a failure; nothing else leaves.</summary>
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
    /// Callers can name any id, and be refused for any reason before or after the row is looked up: an activation without a row
    /// must not stay in memory.
    /// </summary>
    public void EndIfAbsent()
    {
        if (key.Slot.Row is null)
        {
            _absence.End(key.Grain, () => key.Slot.Row is null, key.End);
        }
    }

    // Cryptographic operations are counted use by use.
    private Func<Task<T>> Limited<T>(KmsOperation operation, Func<Task<T>> run)
    {
        var isCounted = operation.IsDataPlane || !LimitRules.IsLimitedByKey(operation);
        return isCounted ? run : async () =>
        {
            // It may run again.
            if (!isCounted)
            {
                await key.Limits.Spend(operation);
                isCounted = true;
            }

            return await run();
        };
    }

    /// <summary>Has material made, outside the turn.</summary>
    /// <returns>Why not; null if it is there.</returns>
    private async Task<KmsException?> MakeMaterial()
    {
        try
        {
            await key.Spare.Make(await key.Load());
            return null;
        }
        catch (Exception e)
        {
            return Translated(e);
        }
    }

    private Func<Task<T>> InTurn<T>(Func<Task<T>> operation) => async () =>
    {
        using (await key.Turns.Begin())
        {
            return await operation();
        }
    };

    private async Task<Outcome<T>> Attempt<T>(Func<Task<T>> operation, Call? call, bool isRepeatable, bool mayLoseRace)
    {
        var writes = key.Slot.Writes;
        T? answer = default;
        KmsException? refusal = null;
        try
        {
            if (call is { } judged && OwnPolicy.Binds(judged))
            {
                await key.LoadSlot();
                key.Policy.Require(judged);
            }

            answer = await key.WithMaterialOfToday(operation);
        }
        catch (InconsistentStateException) when (mayLoseRace)
        {
            return Outcome<T>.LostRace;
        }
        catch (MaterialNotReadyException)
        {
            return Outcome<T>.MaterialNotReady;
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
                WithheldAnswer.Zero(answer);
                return Outcome<T>.Outdated;
            }
        }
        catch (KmsException e)
        {
            WithheldAnswer.Zero(answer);
            return Outcome<T>.Refused(e);
        }

        return refusal is null ? Outcome<T>.Answered(answer!) : Outcome<T>.Refused(refusal);
    }
}

using Orleans.Storage;
using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Keys.Usage;

/// <summary>
/// A key's counters and its right to spend. Uses are reserved in the row <c>key.usage</c> in blocks before they are spent. After a crash
/// the count resumes at the reserved ceiling, so it is never below the truth.
/// </summary>
/// <remarks>
/// All methods run on the activation's scheduler. Calls of the row never overlap: each waits for the previous one. A failed write revokes
/// nothing: earlier reservations stay spendable, and the row is read again before the next write.
/// </remarks>
internal sealed class UsageLease(IGrainStorage storage, GrainId grain, TimeProvider time)
{
    private readonly UsageCounters _counters = new(storage, grain, time);
    private Task _calling = Task.CompletedTask;
    private long _lastReservation;

    /// <inheritdoc cref="UsageCounters.IsLoaded"/>
    public bool IsLoaded => _counters.IsLoaded;

    /// <inheritdoc cref="UsageCounters.HasUnsaved"/>
    public bool HasUnsaved => _counters.HasUnsaved;

    /// <inheritdoc cref="UsageCounters.HasUnspent"/>
    public bool HasUnspent => _counters.HasUnspent;

    /// <summary>How often the row was read, for <see cref="Refresh"/>.</summary>
    public int Reads => _counters.Reads;

    /// <inheritdoc cref="UsageCounters.Meters"/>
    public IEnumerable<UsageMeter> Meters => _counters.Meters;

    /// <inheritdoc cref="UsageCounters.Windows"/>
    public LimitWindows Windows => _counters.Windows;

    /// <inheritdoc cref="UsageCounters.Meter"/>
    public UsageMeter Meter(int version) => _counters.Meter(version);

    /// <summary>
    /// Inserts the row of a new key, with the first block of its first version reserved. If an earlier attempt to create the key left a
    /// row, its incarnation continues, so that whichever attempt commits finds a matching row.
    /// </summary>
    /// <returns>The incarnation that the row <c>key</c> must have.</returns>
    public async Task<Incarnation> Begin(UsagePolicy policy, int? version)
    {
        await _counters.Slot.Read();
        var incarnation = _counters.Slot.Row?.Incarnation ?? Incarnation.New();
        _counters.Resume();
        if (version is { } first)
        {
            var meter = Meter(first);
            meter.Block = UsagePolicy.FirstBlock;
            await _counters.Write(incarnation, meter, policy.Reservation(meter.Spent, meter.Block));
            _counters.Permit(meter, meter.Ceiling);
        }
        else
        {
            await _counters.Write(incarnation);
        }

        return incarnation;
    }

    /// <summary>
    /// Inserts the row of a new key as <see cref="Begin"/> does, together with the row <c>key</c>, without having read either.
    /// </summary>
    /// <param name="policy">What bounds the reservation.</param>
    /// <param name="version">The key's first version; null if it has none yet.</param>
    /// <param name="incarnation">The key's incarnation.</param>
    /// <param name="insert">Inserts it together with the other one.</param>
    public async Task Insert(
        UsagePolicy policy, int? version, Incarnation incarnation, Func<RowSlot<KeyUsageRow>, KeyUsageRow, Task> insert)
    {
        Windows.Resume(null);
        var meter = version is { } first ? Meter(first) : null;
        if (meter is not null) meter.Block = UsagePolicy.FirstBlock;
        var uses = meter is null ? 0 : policy.Reservation(meter.Spent, meter.Block);
        await _counters.Write(incarnation, meter, uses, write: row => insert(_counters.Slot, row));
        _counters.Inserted();
        if (meter is not null) _counters.Permit(meter, meter.Ceiling);
    }

    /// <summary>Reads the counters if necessary.</summary>
    /// <exception cref="KmsException">key_corrupted: the row is missing or belongs to another incarnation of the key.</exception>
    public async Task Load(Incarnation incarnation)
    {
        await Idle();
        if (!IsLoaded)
        {
            await (_calling = _counters.Read(incarnation));
        }
    }

    /// <summary>
    /// Reads the counters again while the activation that had the key before may still give back what it has reserved. They stay as they are
    /// if the database does not answer: too high at worst.
    /// </summary>
    /// <param name="incarnation">The key's incarnation.</param>
    /// <param name="reads">The value of <see cref="Reads"/> before; a read since then is new enough.</param>
    /// <exception cref="KmsException">key_corrupted, as for <see cref="Load"/>.</exception>
    public async Task Refresh(Incarnation incarnation, int reads)
    {
        await Load(incarnation);
        if (!_counters.MayFall || _counters.IsPaused || Reads != reads)
        {
            return;
        }

        try
        {
            await (_calling = _counters.Read(incarnation));
        }
        catch (StorageFailedException)
        {
            // The next one tries again.
        }
    }

    /// <summary>Reads the row <c>key</c> and, if nothing is known of the counters yet, those with it: whoever uses the key needs them soon.</summary>
    /// <param name="key">The row <c>key</c>.</param>
    public async Task ReadWith(RowSlot<KeyRow> key)
    {
        if (storage is not IPairedRows rows || _counters.Slot.State != RowState.Unread)
        {
            await key.Read();
            return;
        }

        // Counters that are missing, damaged or another key's are not taken: whoever needs them reads them again, and says so.
        if (await key.ReadWith<KeyUsageRow>(rows, _counters.Slot.Name) is { RecordExists: true, State: { } row } counters
            && key.Row is { Restoring: null } known && row.Incarnation == known.Incarnation && _counters.Slot.Took(counters))
        {
            _counters.Resume();
        }
    }

    /// <summary>Takes over the counters of a key that was restored from its backup, and writes them. Doing so again changes nothing.</summary>
    public async Task TakeOver(Incarnation incarnation, KeyRestoring counters)
    {
        await Load(incarnation);
        foreach (var stored in counters.Versions)
        {
            Meter(stored.Version).TakeOver(stored);
        }

        if (_counters.Slot.Row?.Windows is null)
        {
            Windows.Resume(counters.Windows);
        }

        await (_calling = _counters.Write(incarnation));
    }

    /// <summary>The counters as a backup has them. They must be loaded.</summary>
    public KeyRestoring ForBackup() => new()
    {
        Versions = [.. Meters.Select(m => m.ToStored(m.Spent)).Where(UsageCounters.IsUsed)],
        Windows = _counters.Slot.Row?.Windows,
    };

    /// <summary>Reserves uses for a version, at least one, and waits for the write.</summary>
    /// <param name="meter">The version's counters.</param>
    /// <param name="policy">What bounds the reservation.</param>
    /// <param name="incarnation">The key's incarnation.</param>
    /// <param name="wanted">How many uses are about to be spent.</param>
    public async Task Reserve(UsageMeter meter, UsagePolicy policy, Incarnation incarnation, long wanted)
    {
        await Idle();
        if (meter.CanSpend)
        {
            return;
        }

        RequireOpen();
        RequireStorage();
        await (_calling = Renew(meter, policy, incarnation, wanted));
    }

    /// <summary>Reserves uses of limits, at least one of each, and waits for the write.</summary>
    /// <param name="windows">The limits' windows.</param>
    /// <param name="incarnation">The key's incarnation.</param>
    /// <param name="wanted">How many uses are about to be made.</param>
    /// <exception cref="KmsException">rate_limited.</exception>
    public async Task Reserve(LimitWindow[] windows, Incarnation incarnation, long wanted)
    {
        await Idle();
        if (Windows.CanSpend(windows))
        {
            return;
        }

        RequireOpen();
        Windows.RequireRoom(windows);
        RequireStorage();
        await (_calling = ReserveOnce(windows, incarnation, wanted));
    }

    /// <summary>
    /// Starts reserving the next block when half of the last one is spent, without making anyone wait. It stops at the rotation threshold:
    /// uses reserved beyond it would be spent without checking whether a rotation is due.
    /// </summary>
    /// <returns>The write, so that its failure is observed; null if there is nothing to do.</returns>
    public Task? RenewInBackground(UsageMeter meter, UsagePolicy policy, Incarnation incarnation)
    {
        if (_counters.HasEnded || _counters.IsPaused || !_calling.IsCompleted || meter.SpendUntil - meter.Spent > meter.Block / 2
            || meter.SpendUntil >= policy.NextThreshold(meter.Spent)
            || meter.Spent >= policy.RotateAt)
        {
            return null;
        }

        return _calling = Renew(meter, policy, incarnation, 1);
    }

    /// <summary>Writes counts from memory.</summary>
    /// <param name="incarnation">The key's incarnation.</param>
    /// <param name="exact">Whether to give back unspent reservations. Nothing can be spent afterwards.</param>
    public async Task Save(Incarnation incarnation, bool exact)
    {
        _counters.HasEnded |= exact;
        await Idle();
        if (exact)
        {
            Windows.Stop();
            _counters.Revoke();
        }

        await (_calling = SaveOnce(incarnation, exact));
    }

    /// <inheritdoc cref="UsageCounters.Invalidate"/>
    public void Invalidate() => _counters.Invalidate();

    /// <summary>Gives up what was reserved before the key existed: a restore may have replaced those counters.</summary>
    public void Forfeit() => _counters.Forfeit();

    private Task SaveOnce(Incarnation incarnation, bool exact) => _counters.Repeat(incarnation, exact, async () =>
    {
        if (HasUnsaved || (exact && (HasUnspent || Windows.HasReserved)))
        {
            await _counters.ReadIfNeeded(incarnation);
            await _counters.Write(incarnation, exact: exact);
        }
    });

    private Task ReserveOnce(LimitWindow[] windows, Incarnation incarnation, long wanted) => _counters.Repeat(incarnation, exact: false, async () =>
    {
        await _counters.ReadIfNeeded(incarnation);
        Windows.RequireRoom(windows);
        Windows.Ask(windows, wanted);
        await _counters.Write(incarnation);
    });

    private Task Renew(UsageMeter meter, UsagePolicy policy, Incarnation incarnation, long wanted)
    {
        var threshold = policy.NextThreshold(meter.Spent);
        var busy = _lastReservation != 0 && time.GetElapsedTime(_lastReservation) < TimeSpan.FromMinutes(1);
        meter.Block = Math.Clamp(busy ? meter.Block * 2 : meter.Block, UsagePolicy.FirstBlock, UsagePolicy.MaxBlock);
        return _counters.Repeat(incarnation, exact: false, async () =>
        {
            await _counters.ReadIfNeeded(incarnation);
            if (meter.Spent >= threshold)
            {
                // A write that seemed to fail had reserved up to here. Whether a rotation is due is checked before reserving more.
                return;
            }

            // A read has revoked what is still this activation's own: then that comes first.
            if (meter.CanSpend || meter.Spent >= SpendableUntil(meter, policy))
            {
                await ReserveMore(meter, policy, incarnation, wanted);
            }

            _counters.Permit(meter, SpendableUntil(meter, policy));
        });
    }

    private async Task ReserveMore(UsageMeter meter, UsagePolicy policy, Incarnation incarnation, long wanted)
    {
        var uses = policy.Reservation(meter.Ceiling, Math.Max(wanted, meter.Block));
        if (uses > 0)
        {
            await _counters.Write(incarnation, meter, uses);
            _lastReservation = time.GetTimestamp();
        }
    }

    private static long SpendableUntil(UsageMeter meter, UsagePolicy policy) => Math.Min(meter.Ceiling, policy.NextThreshold(meter.Spent));

    private void RequireOpen()
    {
        if (_counters.HasEnded)
        {
            throw KmsError.Unavailable.Exception();
        }
    }

    private void RequireStorage()
    {
        if (_counters.IsPaused)
        {
            throw KmsError.StorageUnavailable.Exception();
        }
    }

    /// <summary>Waits for the calls before, whose failures someone else observes.</summary>
    private async Task Idle()
    {
        while (!_calling.IsCompleted)
        {
            await _calling.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        }
    }
}

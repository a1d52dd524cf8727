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
/// All methods run on the activation's scheduler. Writes of the row never overlap: each waits for the previous one. A failed write revokes
/// nothing: earlier reservations stay spendable, and the row is read again before the next write.
/// </remarks>
internal sealed class UsageLease(IGrainStorage storage, GrainId grain, TimeProvider time)
{
    /// <summary>How long nothing is tried after a failure, so that callers get the error at once while the database is down.</summary>
    private static readonly TimeSpan _pauseAfterFailure = TimeSpan.FromSeconds(1);

    private readonly RowSlot<KeyUsageRow> _slot = new(storage, grain, RowNames.KeyUsage);
    private readonly Dictionary<int, UsageMeter> _meters = [];
    private Task _writing = Task.CompletedTask;
    private long _lastReservation;
    private long _lastFailure = long.MinValue;
    private bool _closed;

    /// <summary>Whether the counters are known. They are not until the row was read.</summary>
    public bool IsLoaded { get; private set; }

    private bool IsPaused => _lastFailure != long.MinValue && time.GetElapsedTime(_lastFailure) < _pauseAfterFailure;

    /// <summary>Whether any counts are not in the row yet.</summary>
    public bool HasUnsaved => _meters.Values.Any(m => m.HasUnsaved);

    /// <summary>All meters, in the order of versions.</summary>
    public IEnumerable<UsageMeter> Meters => _meters.Values.OrderBy(m => m.Version);

    /// <summary>The windows of the key's limits, which the same row stores.</summary>
    public LimitWindows Windows { get; } = new(time);

    /// <summary>The counters of a version; zero if it was never used.</summary>
    public UsageMeter Meter(int version)
    {
        if (!_meters.TryGetValue(version, out var meter))
        {
            _meters.Add(version, meter = new(version));
        }

        return meter;
    }

    /// <summary>
    /// Inserts the row of a new key, with the first block of its first version reserved. If an earlier attempt to create the key left a
    /// row, its incarnation continues, so that whichever attempt commits finds a matching row.
    /// </summary>
    /// <returns>The incarnation that the row <c>key</c> must have.</returns>
    public async Task<Incarnation> Begin(UsagePolicy policy, int? version)
    {
        await _slot.Read();
        var incarnation = _slot.Row?.Incarnation ?? Incarnation.New();
        Resume();
        if (version is { } first)
        {
            var meter = Meter(first);
            meter.Block = UsagePolicy.FirstBlock;
            await Write(incarnation, meter, policy.Reservation(meter.Spent, meter.Block), exact: false);
            meter.SpendUntil = meter.Ceiling;
        }
        else
        {
            await Write(incarnation, null, 0, exact: false);
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
        await Write(incarnation, meter, uses, exact: false, row => insert(_slot, row));
        IsLoaded = true;
        if (meter is not null) meter.SpendUntil = meter.Ceiling;
    }

    /// <summary>Reads the counters if necessary.</summary>
    /// <exception cref="KmsException">key_corrupted: the row is missing or belongs to another incarnation of the key.</exception>
    public async Task Load(Incarnation incarnation)
    {
        while (!_writing.IsCompleted)
        {
            await Settled(_writing);
        }

        if (IsLoaded)
        {
            return;
        }

        await Reload(incarnation);
    }

    /// <summary>Reads the row <c>key</c> and, if nothing is known of the counters yet, those with it: whoever uses the key needs them soon.</summary>
    /// <param name="key">The row <c>key</c>.</param>
    public async Task ReadWith(RowSlot<KeyRow> key)
    {
        if (storage is not IPairedRows rows || _slot.State != RowState.Unread)
        {
            await key.Read();
            return;
        }

        // Counters that are missing, damaged or another key's are not taken: whoever needs them reads them again, and says so.
        if (await key.ReadWith<KeyUsageRow>(rows, _slot.Name) is { RecordExists: true, State: { } row } counters
            && key.Row is { Restoring: null } known && row.Incarnation == known.Incarnation && _slot.Took(counters))
        {
            Resume();
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

        if (_slot.Row?.Windows is null)
        {
            Windows.Resume(counters.Windows);
        }

        await (_writing = Write(incarnation, null, 0, exact: false));
    }

    /// <summary>The counters as a backup has them. They must be loaded.</summary>
    public KeyRestoring ForBackup() => new()
    {
        Versions = [.. Meters.Select(m => m.ToStored(m.Spent)).Where(IsUsed)],
        Windows = _slot.Row?.Windows,
    };

    /// <summary>Reserves uses for a version, at least one, and waits for the write.</summary>
    /// <param name="meter">The version's counters.</param>
    /// <param name="policy">What bounds the reservation.</param>
    /// <param name="incarnation">The key's incarnation.</param>
    /// <param name="wanted">How many uses are about to be spent.</param>
    public async Task Reserve(UsageMeter meter, UsagePolicy policy, Incarnation incarnation, long wanted)
    {
        while (!_writing.IsCompleted)
        {
            await Settled(_writing);
        }

        if (meter.Spent < meter.SpendUntil)
        {
            return;
        }

        RequireStorage();
        await (_writing = Renew(meter, policy, incarnation, wanted));
    }

    /// <summary>Reserves uses of limits, at least one of each, and waits for the write.</summary>
    /// <param name="windows">The limits' windows.</param>
    /// <param name="incarnation">The key's incarnation.</param>
    /// <param name="wanted">How many uses are about to be made.</param>
    /// <exception cref="KmsException">rate_limited.</exception>
    public async Task Reserve(LimitWindow[] windows, Incarnation incarnation, long wanted)
    {
        while (!_writing.IsCompleted)
        {
            await Settled(_writing);
        }

        if (Windows.CanSpend(windows))
        {
            return;
        }

        if (_closed)
        {
            throw KmsError.Unavailable.Exception();
        }

        Windows.RequireRoom(windows);
        RequireStorage();
        await (_writing = ReserveOnce(windows, incarnation, wanted));
    }

    /// <summary>
    /// Starts reserving the next block when half of the last one is spent, without making anyone wait. It stops at the rotation threshold:
    /// uses reserved beyond it would be spent without checking whether a rotation is due.
    /// </summary>
    /// <returns>The write, so that its failure is observed; null if there is nothing to do.</returns>
    public Task? RenewInBackground(UsageMeter meter, UsagePolicy policy, Incarnation incarnation)
    {
        if (_closed || IsPaused || !_writing.IsCompleted || meter.SpendUntil - meter.Spent > meter.Block / 2
            || meter.SpendUntil >= policy.NextThreshold(meter.Spent)
            || meter.Spent >= policy.RotateAt)
        {
            return null;
        }

        return _writing = Renew(meter, policy, incarnation, 1);
    }

    /// <summary>Writes counts from memory.</summary>
    /// <param name="incarnation">The key's incarnation.</param>
    /// <param name="exact">Whether to return unspent reservations. Nothing can be spent afterwards.</param>
    public async Task Save(Incarnation incarnation, bool exact)
    {
        _closed |= exact;
        while (!_writing.IsCompleted)
        {
            await Settled(_writing);
        }

        if (exact)
        {
            Windows.Stop();
            foreach (var meter in _meters.Values)
            {
                meter.SpendUntil = meter.Spent;
            }
        }

        await (_writing = SaveOnce(incarnation, exact));
    }

    /// <summary>Revokes the right to spend, and reads the row again before the next use.</summary>
    public void Invalidate()
    {
        IsLoaded = false;
        Windows.GiveUp();
        foreach (var meter in _meters.Values)
        {
            meter.SpendUntil = meter.Spent;
        }
    }

    private async Task SaveOnce(Incarnation incarnation, bool exact)
    {
        if (_slot.NeedsRead || !IsLoaded)
        {
            await Reload(incarnation);
        }

        if (HasUnsaved || (exact && (Windows.HasReserved || _meters.Values.Any(m => m.Spent != m.Ceiling))))
        {
            await Write(incarnation, null, 0, exact);
        }
    }

    private async Task ReserveOnce(LimitWindow[] windows, Incarnation incarnation, long wanted)
    {
        if (_slot.NeedsRead || !IsLoaded)
        {
            await Reload(incarnation);
            Windows.RequireRoom(windows);
        }

        Windows.Ask(windows, wanted);
        await Write(incarnation, null, 0, exact: false);
    }

    private async Task Renew(UsageMeter meter, UsagePolicy policy, Incarnation incarnation, long wanted)
    {
        var threshold = policy.NextThreshold(meter.Spent);
        if (_slot.NeedsRead)
        {
            await Reload(incarnation);
            if (meter.Spent >= threshold)
            {
                // A write that seemed to fail had reserved up to here. Whether a rotation is due is checked before reserving more.
                return;
            }
        }

        var busy = _lastReservation != 0 && time.GetElapsedTime(_lastReservation) < TimeSpan.FromMinutes(1);
        meter.Block = Math.Clamp(busy ? meter.Block * 2 : meter.Block, UsagePolicy.FirstBlock, UsagePolicy.MaxBlock);
        var from = Math.Max(meter.Spent, meter.Ceiling);
        var uses = policy.Reservation(from, Math.Max(wanted, meter.Block));
        if (uses > 0)
        {
            await Write(incarnation, meter, from + uses - meter.Ceiling, exact: false);
            _lastReservation = time.GetTimestamp();
        }

        meter.SpendUntil = _closed ? meter.Spent : Math.Min(meter.Ceiling, policy.NextThreshold(meter.Spent));
    }

    private async Task Reload(Incarnation incarnation)
    {
        try
        {
            await _slot.Read();
        }
        catch (StorageFailedException)
        {
            _lastFailure = time.GetTimestamp();
            throw;
        }

        if (_slot.Row is not { } row || row.Incarnation != incarnation)
        {
            // A missing or wrong row must not be overwritten: restarted counters would be below the truth.
            _slot.Invalidate();
            throw KmsError.KeyCorrupted.Exception();
        }

        Resume();
    }

    private void Resume()
    {
        foreach (var stored in _slot.Row?.Versions ?? [])
        {
            Meter(stored.Version).Resume(stored);
        }

        Windows.Resume(_slot.Row?.Windows);

        IsLoaded = true;
    }

    private async Task Write(
        Incarnation incarnation, UsageMeter? reserved, long uses, bool exact, Func<KeyUsageRow, Task>? write = null)
    {
        var written = Meters
            .Select(m => (Meter: m, Stored: m.ToStored(exact ? m.Spent : m == reserved ? m.Ceiling + uses : m.Ceiling)))
            .Where(w => IsUsed(w.Stored))
            .ToArray();
        try
        {
            var row = new KeyUsageRow { Incarnation = incarnation, Versions = [.. written.Select(w => w.Stored)], Windows = Windows.ToStored() };
            await (write is null ? _slot.Write(row) : write(row));
        }
        catch (Exception e) when (e is not InconsistentStateException && write is null)
        {
            // A lost race is not a database failure: the row is read again, and the next attempt may follow at once. Nor is it for the
            // counters what becomes of a create, which nobody has to wait for.
            _lastFailure = time.GetTimestamp();
            throw;
        }

        _lastFailure = long.MinValue;
        Windows.Saved();
        foreach (var (meter, stored) in written)
        {
            meter.Saved(stored);
        }
    }

    private static bool IsUsed(VersionUsage stored) => stored is not { Ceiling: 0, Decrypted: 0, Verified: 0 };

    private void RequireStorage()
    {
        if (IsPaused)
        {
            throw KmsError.StorageUnavailable.Exception();
        }
    }

    /// <summary>Waits for a write whose failure someone else observes.</summary>
    private static async Task Settled(Task write) => await write.ConfigureAwait(
        ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
}

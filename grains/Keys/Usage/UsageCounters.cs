using Orleans.Storage;
using OrleansKms.Configuration;
using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Keys.Usage;

/// <summary>A key's counters in memory and their row <c>key.usage</c>: reads it, writes it, and goes on after a lost race.</summary>
/// <remarks>
/// While a silo stops, another activation may take the key over before this one has given back what it did not spend, or the other way
/// round. Whoever loses that race reads again: the one that ends subtracts its own from what the other has written, and the one that goes on
/// counts from there. Calls must not overlap: <see cref="UsageLease"/> sees to that.
/// </remarks>
internal sealed class UsageCounters(IGrainStorage storage, GrainId grain, TimeProvider time)
{
    /// <summary>How long nothing is tried after a failure, so that callers get the error at once while the database is down.</summary>
    private static readonly TimeSpan _pauseAfterFailure = TimeSpan.FromSeconds(1);

    // Whoever ends meets the writes of one that goes on, which are rare.
    private const int MaxLostRaces = 8;

    private readonly Dictionary<int, UsageMeter> _meters = [];
    private long _lastFailure = long.MinValue;
    private long _tookOverAt = long.MinValue;
    private bool _keepsWindows;

    // The life of the key that unspent uses were reserved in.
    private Incarnation? _incarnation;

    /// <summary>The row.</summary>
    public RowSlot<KeyUsageRow> Slot { get; } = new(storage, grain, RowNames.KeyUsage);

    /// <summary>All meters, in the order of versions.</summary>
    public IEnumerable<UsageMeter> Meters => _meters.Values.OrderBy(m => m.Version);

    /// <summary>The windows of the key's limits, which the same row stores.</summary>
    public LimitWindows Windows { get; } = new(time);

    /// <summary>Whether the counters are known. They are not until the row was read.</summary>
    public bool IsLoaded { get; private set; }

    /// <summary>Whether this activation spends no more; set once.</summary>
    public bool HasEnded { get; set; }

    /// <summary>How often the row was read.</summary>
    public int Reads { get; private set; }

    /// <summary>Whether the database failed so recently that nothing is tried.</summary>
    public bool IsPaused => _lastFailure != long.MinValue && time.GetElapsedTime(_lastFailure) < _pauseAfterFailure;

    /// <summary>Whether any counts are not in the row yet.</summary>
    public bool HasUnsaved => _meters.Values.Any(m => m.HasUnsaved);

    /// <summary>Whether uses are reserved that were not spent.</summary>
    public bool HasUnspent => _meters.Values.Any(m => m.Unspent != 0);

    /// <summary>Whether the row was another activation's, which may still give back what it has reserved: until its silo must have stopped.</summary>
    public bool MayFall => _tookOverAt != long.MinValue;

    /// <summary>The counters of a version; zero if it was never used.</summary>
    public UsageMeter Meter(int version)
    {
        if (!_meters.TryGetValue(version, out var meter))
        {
            _meters.Add(version, meter = new(version));
        }

        return meter;
    }

    /// <summary>Lets a version spend, unless this activation has ended.</summary>
    /// <param name="meter">The version's counters.</param>
    /// <param name="until">How far.</param>
    public void Permit(UsageMeter meter, long until) => meter.SpendUntil = HasEnded ? meter.Spent : until;

    /// <summary>Revokes the right to spend.</summary>
    public void Revoke()
    {
        foreach (var meter in _meters.Values)
        {
            meter.SpendUntil = meter.Spent;
        }
    }

    /// <summary>Revokes the right to spend, and reads the row again before the next use.</summary>
    public void Invalidate()
    {
        IsLoaded = false;
        Windows.GiveUp();
        Revoke();
    }

    /// <summary>Notes that the row of a new key was inserted.</summary>
    public void Inserted() => IsLoaded = true;

    /// <summary>Reads the row.</summary>
    /// <exception cref="KmsException">key_corrupted: the row is missing or belongs to another incarnation of the key.</exception>
    /// <exception cref="StorageFailedException">The database did not answer.</exception>
    public async Task Read(Incarnation incarnation)
    {
        var known = IsLoaded ? Slot.Row : null;
        var isSettled = MayFall && time.GetElapsedTime(_tookOverAt) > SettingTable.ShutdownTimeout.Max;
        try
        {
            await Slot.Read();
        }
        catch (StorageFailedException)
        {
            _lastFailure = time.GetTimestamp();
            throw;
        }

        if (Slot.Row is not { } row || row.Incarnation != incarnation)
        {
            // A missing or wrong row must not be overwritten: restarted counters would be below the truth.
            Slot.Invalidate();
            throw KmsError.KeyCorrupted.Exception();
        }

        _tookOverAt = isSettled ? long.MinValue : _tookOverAt;
        if (ReferenceEquals(row, known))
        {
            Reads++;
        }
        else
        {
            Resume();
        }
    }

    /// <summary>Reads the row if what is known of it is out of date.</summary>
    public Task ReadIfNeeded(Incarnation incarnation) => Slot.NeedsRead || !IsLoaded ? Read(incarnation) : Task.CompletedTask;

    /// <summary>Resumes the row as it was read, or nothing where there is none.</summary>
    public void Resume()
    {
        RequireSameLife(Slot.Row?.Incarnation);
        var stored = (Slot.Row?.Versions ?? []).ToDictionary(v => v.Version);
        foreach (var version in stored.Keys)
        {
            Meter(version);
        }

        // A version of which nothing was spent after all is no longer in the row.
        foreach (var meter in _meters.Values)
        {
            meter.Resume(stored.GetValueOrDefault(meter.Version));
        }

        Windows.Resume(Slot.Row?.Windows);
        _keepsWindows = HasEnded;
        if (!IsLoaded && stored.Count > 0)
        {
            _tookOverAt = time.GetTimestamp();
        }

        IsLoaded = true;
        Reads++;
    }

    /// <summary>
    /// Writes, and again after a lost race: from what the other activation has written. One that goes on gives up if the other has reserved,
    /// and so goes on as well. One that ends only gives back, whoever goes on.
    /// </summary>
    /// <param name="incarnation">The key's incarnation.</param>
    /// <param name="exact">Whether this activation ends.</param>
    /// <param name="write">Prepares the write by the counters as they are, and makes it.</param>
    /// <exception cref="InconsistentStateException">Another activation goes on.</exception>
    public async Task Repeat(Incarnation incarnation, bool exact, Func<Task> write)
    {
        for (var lostRaces = 0; ; lostRaces++)
        {
            try
            {
                await write();
                return;
            }
            catch (InconsistentStateException) when (lostRaces < MaxLostRaces)
            {
                var (ceilings, windows) = (_meters.Values.ToDictionary(m => m.Version, m => m.Ceiling), Slot.Row?.Windows);
                await Read(incarnation);
                var hasReserved = _meters.Values.Any(m => m.Ceiling > ceilings.GetValueOrDefault(m.Version))
                    || !LimitWindows.AreSame(windows, Slot.Row?.Windows);
                if (hasReserved && !exact)
                {
                    throw;
                }
            }
        }
    }

    /// <summary>Writes the counters as they are.</summary>
    /// <param name="incarnation">The key's incarnation.</param>
    /// <param name="reserved">The version to reserve uses of; null for none.</param>
    /// <param name="uses">How many.</param>
    /// <param name="exact">Whether to give back what is not spent. Nothing may be spendable.</param>
    /// <param name="write">Writes the row; null for the usual way.</param>
    public async Task Write(
        Incarnation incarnation, UsageMeter? reserved = null, long uses = 0, bool exact = false, Func<KeyUsageRow, Task>? write = null)
    {
        RequireSameLife(incarnation);
        var written = Meters
            .Select(m => (Meter: m, Stored: m.ToStored(exact ? m.Spent : m == reserved ? m.Ceiling + uses : m.Ceiling)))
            .ToArray();
        try
        {
            var row = new KeyUsageRow
            {
                Incarnation = incarnation,
                Versions = [.. written.Select(w => w.Stored).Where(IsUsed)],

                // One that ends leaves the reservations of one that goes on as they are.
                Windows = _keepsWindows ? Slot.Row?.Windows : Windows.ToStored(),
            };
            await (write is null ? Slot.Write(row) : write(row));
        }
        catch (Exception e) when (e is not InconsistentStateException && write is null)
        {
            // A lost race is not a database failure: the row is read again, and the next attempt may follow at once. Nor is it for the
            // counters what becomes of a create, which nobody has to wait for.
            _lastFailure = time.GetTimestamp();
            if (exact && e is not StorageFailedException { OutcomeUnknown: false })
            {
                Forfeit();
            }

            throw;
        }

        _lastFailure = long.MinValue;
        Windows.Saved();
        foreach (var (meter, stored) in written)
        {
            meter.Saved(stored);
        }
    }

    /// <summary>Whether a row has to say anything of a version.</summary>
    public static bool IsUsed(VersionUsage stored) => stored is not { Ceiling: 0, Decrypted: 0, Verified: 0 };

    /// <summary>Keeps nothing that was reserved, and gives nothing back.</summary>
    public void Forfeit()
    {
        foreach (var meter in _meters.Values)
        {
            meter.Forfeit();
        }
    }

    private void RequireSameLife(Incarnation? incarnation)
    {
        if (_incarnation != incarnation)
        {
            // Nothing was reserved in these counters.
            Forfeit();
            _incarnation = incarnation;
        }
    }
}

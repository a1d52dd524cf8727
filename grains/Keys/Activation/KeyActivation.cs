using Orleans.Storage;
using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Keys.History;
using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Keys.Usage;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Keys.Activation;

/// <summary>
/// One key in memory: its row as last read, its open versions, its counters, its turns, the <see cref="KeyGate"/> by which calls enter
/// and the <see cref="KeyRecorder"/> by which answers leave. Operations are functions of it.
/// </summary>
/// <remarks>
/// A change is prepared on a copy and becomes visible when its write is acknowledged. When a write's outcome is unknown, the row is
/// read again before anything is answered.
/// </remarks>
internal sealed class KeyActivation : IDisposable
{
    private readonly KeyValuePair<string, object?> _tag;
    private Task? _loading;

    /// <summary>Makes an activation; nothing is read until it is used.</summary>
    /// <param name="grain">The grain.</param>
    /// <param name="context">The grain's context.</param>
    /// <param name="services">What all keys share.</param>
    public KeyActivation(IGrainBase grain, IGrainContext context, KeyServices services)
    {
        var id = context.GrainId;
        Grain = grain;
        Services = services;
        Id = id.Key.ToString()!;
        _tag = new("key_id", Id);
        Mark = Fence.Register(context);
        Slot = new(services.Storage, id, RowNames.Key, Mark);
        VersionRows = new(services.Storage, services.Providers, id, Id);
        Blocks = new(services.Storage, id);
        History = new(Blocks, Id, KeyServices.Self);
        Versions = new(services.Storage, services.Sealer, services.Providers, id, Id);
        Usage = new(services.Storage, id, services.Time);
        Policy = new(this);
        Standing = new(this);
        Spare = new(this);
        Gate = new(this);
        Limits = new(this);
        Recorder = new(this);
        Primary = new(this);
        Counters = new(this);
        Rotation = new(this);
        Reminder = new(this);
        Imports = new(this);
    }

    /// <summary>The grain.</summary>
    public IGrainBase Grain { get; }

    /// <summary>What all keys share.</summary>
    public KeyServices Services { get; }

    /// <summary>The key's id.</summary>
    public string Id { get; }

    /// <summary>The fence's mark for the row; null where there is no fence.</summary>
    public FenceMark? Mark { get; }

    /// <summary>The row <c>key</c>.</summary>
    public RowSlot<KeyRow> Slot { get; }

    /// <summary>The rows of older versions.</summary>
    public VersionRows VersionRows { get; }

    /// <summary>The rows of the key's history.</summary>
    public HistoryBlocks Blocks { get; }

    /// <summary>The key's history, which each change extends.</summary>
    public HistoryChain History { get; }

    /// <summary>The versions that are open.</summary>
    public VersionCiphers Versions { get; }

    /// <summary>Material for the next version, where that takes long to make.</summary>
    public SpareMaterial Spare { get; }

    /// <summary>How many data key pairs are being made that take long.</summary>
    public int SlowPairs { get; set; }

    /// <summary>The counters, and the right to spend.</summary>
    public UsageLease Usage { get; }

    /// <summary>The turns of work that must not interleave.</summary>
    public Turns Turns { get; } = new();

    /// <summary>The key's own policy.</summary>
    public OwnPolicy Policy { get; }

    /// <summary>Who of those who asked for something, or approved it, still may.</summary>
    public Standing Standing { get; }

    /// <summary>The way in.</summary>
    public KeyGate Gate { get; }

    /// <summary>The way out.</summary>
    public KeyRecorder Recorder { get; }

    /// <summary>The key's own limits.</summary>
    public KeyLimits Limits { get; }

    /// <summary>The primary version, which encrypts.</summary>
    public PrimaryVersion Primary { get; }

    /// <summary>Writes counts that are in memory.</summary>
    public CounterSaving Counters { get; }

    /// <summary>Rotation by time.</summary>
    public OverdueRotation Rotation { get; }

    /// <summary>The key's reminder.</summary>
    public ErasureReminder Reminder { get; }

    /// <summary>The reminder of import parameters.</summary>
    public ImportReminder Imports { get; }

    /// <summary>How many RSA keys to wrap imports with are being made, and slow imports checked.</summary>
    public int WrappingKeys { get; set; }

    /// <summary>
    /// The key's tag in metrics. Callers can name any id, so a key whose row was not seen has no tag of its own.
    /// </summary>
    public KeyValuePair<string, object?> Tag => Slot.Row is null ? KeyInstruments.UnknownKey : _tag;

    /// <summary>The backup that is being made; null for none.</summary>
    public Task<KeyBackup>? BackingUp { get; set; }

    /// <summary>The time.</summary>
    public DateTimeOffset Now => Services.Time.GetUtcNow();

    /// <summary>Whether operations with the key answer without waiting for anything outside this process.</summary>
    public bool AnswersAtOnce(KeyRow row) => Services.Providers.Find(row.Protection) is not { AnswersAtOnce: false };

    /// <summary>
    /// Whether calls may begin while others are in progress: where operations, a batch of them, or making a version take time.
    /// </summary>
    public bool MayInterleave(KeyRow row) =>
        row.Usage == KeyUsage.SignVerify || KeyUsability.EncryptsByPublicKey(row) || !AnswersAtOnce(row) || Spare.IsNeeded(row);

    /// <summary>The key as it is now, after erasing what is due.</summary>
    /// <exception cref="KmsException">key_not_found.</exception>
    public async Task<KeyRow> Current()
    {
        var row = await Settled();

        // While changes cannot be recorded, this is put off: the reminder comes again.
        return KeyErasures.Next(row) is { } at && Services.Changes.HasRoom && await Services.Erasures.IsPast(at)
            ? await Erasure.EraseDue(this, row)
            : row;
    }

    /// <summary>The key as it is now, even after a rotation that may or may not have been committed.</summary>
    /// <exception cref="KmsException">key_not_found.</exception>
    public async ValueTask<KeyRow> Settled()
    {
        if (Slot is { State: RowState.InDoubt, NeedsRead: false })
        {
            await Read();
        }

        return await Load();
    }

    /// <summary>The key as last known.</summary>
    /// <exception cref="KmsException">key_not_found.</exception>
    public ValueTask<KeyRow> Load() => Slot is { NeedsRead: false, Row: { Restoring: null } row } ? new(row) : LoadSlowly();

    /// <summary>
    /// Reads the row if it must be read, whether or not it exists. All waiting callers share one read, since decryptions
    /// interleave.
    /// </summary>
    public async Task LoadSlot()
    {
        while (Slot.NeedsRead || Slot.Row is { Restoring: not null })
        {
            var loading = _loading ??= LoadOnce();
            try
            {
                await loading;
            }
            finally
            {
                if (_loading == loading)
                {
                    _loading = null;
                }
            }
        }
    }

    /// <summary>Writes the row that follows another, if that one (null for none) is still the last known.</summary>
    /// <param name="row">The previous row.</param>
    /// <param name="next">The next row.</param>
    /// <param name="cause">What the change is; null where nothing changes and the row is only written again.</param>
    /// <param name="permitsTheSame">As for <see cref="RowSlot{T}.Write"/>.</param>
    public async Task<KeyRow> Write(KeyRow? row, KeyRow next, ChangeCause? cause, bool permitsTheSame = false)
    {
        // A history, once begun, goes on: the level never falls.
        if (cause is { } made && (row?.History is not null || Services.Levels.AllKnowLevel4))
        {
            next = await History.Append(row, next, Slot.NextRevision, made, Now, Services.Epoch.Number);
        }

        var index = ApprovalIndex.Of(this, Grain.GrainContext.GrainId, row, next);
        if (index is not null)
        {
            await index.Before();
        }

        // An interleaved decryption may have read another activation's write, which must not be overwritten.
        if (!ReferenceEquals(row, Slot.Row))
        {
            throw new InconsistentStateException("The key was changed while a change of it was prepared.");
        }

        await Slot.Write(next, permitsTheSame);
        Primary.Forget();
        Rotation.IsKept();
        CloseUnusable(Slot.Row!);
        var written = Slot.Row!;
        if (index is not null)
        {
            await index.After();
        }

        return written;
    }

    /// <summary>Writes the first row of a new key together with its counters, without having read whether there is one.</summary>
    /// <param name="rows">The storage.</param>
    /// <param name="next">The row.</param>
    /// <param name="cause">What the change is.</param>
    /// <param name="policy">What bounds the first reservation.</param>
    /// <param name="version">The first version; null if there is none yet.</param>
    /// <exception cref="InconsistentStateException">The key exists, or its counters do.</exception>
    public async Task<KeyRow> Insert(IPairedRows rows, KeyRow next, ChangeCause cause, UsagePolicy policy, int? version)
    {
        if (Services.Levels.AllKnowLevel4)
        {
            next = await History.Append(null, next, Slot.NextRevision, cause, Now, Services.Epoch.Number);
        }

        await Usage.Insert(policy, version, next.Incarnation, (slot, row) => Slot.InsertWith(rows, next, slot, row));
        Primary.Forget();
        Rotation.IsKept();
        CloseUnusable(Slot.Row!);
        return Slot.Row!;
    }

    /// <summary>
    /// Opens a version by the newest row, not by the one that the caller checked, which may have changed since.
    /// </summary>
    public async ValueTask<Opening> Open(int version)
    {
        var row = await Load();
        return row.State == KeyState.Enabled && KeyUsability.IsEnabled(row, version) ? await Versions.Open(row, version) : Opening.NotUsable;
    }

    /// <summary>
    /// Runs an operation, and retries once when the row was resealed behind this activation and the KEK of its copy is gone.
    /// Material is opened before anything is written, so nothing happens twice.
    /// </summary>
    public async Task<T> WithMaterialOfToday<T>(Func<Task<T>> operation)
    {
        try
        {
            return await operation();
        }
        catch (MaterialOutdatedException)
        {
            Slot.Invalidate();
            return await operation();
        }
    }

    /// <summary>
    /// Another activation of this key has written, so this one ends. Until then it answers from what is stored.
    /// </summary>
    public void LostRace()
    {
        Slot.Invalidate();
        Primary.Forget();
        Usage.Invalidate();
        Versions.Dispose();
        Services.Logger.LostRace(Id);
        End();
    }

    /// <summary>Ends the activation once it is idle.</summary>
    public void End() => Grain.DeactivateOnIdle();

    /// <summary>Writes the exact counters and disposes the material.</summary>
    public async Task Deactivate(CancellationToken cancellationToken)
    {
        await Rotation.Stop(cancellationToken);
        Primary.Forget();
        Versions.Dispose();
        try
        {
            // Also after a lost race: what this activation has reserved is its own to give back. A key that is another one by now has other
            // counters, which are left alone.
            if (Slot.Row is { } row && (Usage.IsLoaded || Usage.HasUnsaved || Usage.HasUnspent))
            {
                await Usage.Save(row.Incarnation, exact: true).WaitAsync(cancellationToken);
            }
        }
        catch (Exception e) when (e is KmsException or StorageFailedException or InconsistentStateException or OperationCanceledException)
        {
            // Nothing is lost: the count stays at the reserved ceiling.
            Services.Logger.CountersNotSaved(Id, e);
        }
        finally
        {
            Versions.Dispose();
        }
    }

    /// <summary>Disposes the material, even when the activation failed.</summary>
    public void Dispose()
    {
        Versions.Dispose();
        Spare.Dispose();
        Mark?.Remove();
    }

    private async ValueTask<KeyRow> LoadSlowly()
    {
        await LoadSlot();
        return Slot.Row ?? throw KmsError.KeyNotFound.Exception();
    }

    private async Task LoadOnce()
    {
        if (Slot is { NeedsRead: false, Row: { Restoring: not null } restored })
        {
            await RestoreCompletion.Complete(this, restored);
            return;
        }

        Primary.Forget();
        Versions.Dispose();
        await Read();
        if (Slot.Row is { ErasePending.Count: > 0, Restoring: null } row)
        {
            await Erasure.Erase(this, row);
        }

        // It is set, unless somebody cleared the table.
        if (Slot.Row is { } read && KeyErasures.Next(read) is not null && !await Reminder.IsSet())
        {
            await Reminder.Set(read);
        }
    }

    private async Task Read()
    {
        var inDoubt = Slot.State == RowState.InDoubt ? Slot.Row : null;
        if (Slot.Row is null)
        {
            Usage.Forfeit();
        }

        await Usage.ReadWith(Slot);
        Primary.Forget();
        if (inDoubt is not null && Slot.Row is { } row && row.PrimaryVersion > inDoubt.PrimaryVersion)
        {
            // A restore relies on these lines. If the version is another activation's, it is reported twice.
            await Services.Changes.KeyChanged(Id, "rotate-by-plan", row.PrimaryVersion, null, row.Revision, KeyServices.Self);
        }
    }

    private void CloseUnusable(KeyRow row)
    {
        if (row.State != KeyState.Enabled)
        {
            Versions.Dispose();
            Spare.Drop();
            return;
        }

        foreach (var version in row.Versions.Where(v => v.State != KeyVersionState.Enabled))
        {
            Versions.Close(version.Version);
        }
    }
}

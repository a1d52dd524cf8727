using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;
using Orleans.Placement;
using Orleans.Storage;
using OrleansKms.Grains.Clocks;
using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Fencing;
using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Keys.Usage;
using OrleansKms.Grains.Presence;
using OrleansKms.Grains.Providers;
using OrleansKms.Grains.Sealing;
using OrleansKms.Grains.Storage;

namespace OrleansKms.Grains.Keys;

/// <summary>
/// One key: owns its material, its life and its counters. This file is the control plane, with
/// <c>KeyGrain.Deletion.cs</c>, <c>KeyGrain.Destruction.cs</c> and <c>KeyGrain.Rotation.cs</c>; <c>KeyGrain.Activation.cs</c> is the
/// life of the activation, <c>KeyGrain.Cryptography.cs</c> and <c>KeyGrain.Batches.cs</c> are the data plane,
/// <c>KeyGrain.Elsewhere.cs</c> is what differs where operations are done elsewhere.
/// </summary>
/// <remarks>
/// Placed at random, since the default placement heaps keys on few silos. Decryptions interleave with a change or a
/// reservation that waits for the database; everything else takes its turn. Where operations are done elsewhere and take their
/// time, all calls interleave, and what needs a turn takes one in here (<see cref="Turns"/>): so nothing waits for the HSM but
/// who asked something of it. A change is prepared on a copy and becomes visible when its write is acknowledged. When a write's
/// outcome is unknown, the row is read again before anything is answered.
/// </remarks>
[GrainType("key"), RandomPlacement, MayInterleave(nameof(MayInterleave))]
public sealed partial class KeyGrain : Grain, IKeyGrain, IMayBeAbsent, IRemindable, IDisposable
{
    private readonly FenceMark? _mark;
    private readonly RowSlot<KeyRow> _slot;
    private readonly VersionRows _versionRows;
    private readonly VersionCiphers _ciphers;
    private readonly KeyProviders _providers;
    private readonly Turns _turns = new();
    private readonly UsageLease _usage;
    private readonly KeyOptions _options;
    private readonly RestoreEpoch _epoch;
    private readonly TimeProvider _time;
    private readonly ErasureClock _erasures;
    private readonly IClockHealth _clock;
    private readonly FeatureLevels _levels;
    private readonly ILogger _logger;
    private readonly ChangeLines _changes;
    private readonly KeyValuePair<string, object?> _keyTag;
    private Task? _loading;

    /// <summary>Makes an activation; nothing is read before it is used.</summary>
    public KeyGrain(
        [FromKeyedServices(StorageNames.Sealed)] IGrainStorage storage,
        IMaterialSealer sealer, KeyProviders providers, KeyOptions options, [FromKeyedServices(KmsGrainsExtensions.Clock)] TimeProvider time,
        ErasureClock erasures, IClockHealth clock, FeatureLevels levels, ILogger<KeyGrain> logger, ChangeLines changes, CurrentEpoch epoch,
        IGrainContext context)
    {
        var id = context.GrainId;
        Id = id.Key.ToString()!;
        _mark = Fence.Register(context);
        _slot = new(storage, id, RowNames.Key, _mark);
        _providers = providers;
        _versionRows = new(storage, providers, id, Id);
        _ciphers = new(storage, sealer, providers, id, Id);
        _usage = new(storage, id, time);
        _options = options;
        _epoch = epoch.Value;
        _time = time;
        _erasures = erasures;
        _clock = clock;
        _levels = levels;
        _logger = logger;
        _changes = changes;
        _keyTag = new("key_id", Id);
        KeyInstruments.RotationOverdue(0);
    }

    private string Id { get; }

    private KeyValuePair<string, object?> KeyTag => _slot.Row is null ? KeyInstruments.UnknownKey : _keyTag;

    private DateTimeOffset Now => _time.GetUtcNow();

    /// <inheritdoc/>
    public Task<KeyDescription> Create(CreateKey request) => InTurn(async () =>
    {
        var algorithm = KeyRequestRules.Check(request, Id, _providers);
        _changes.RequireRoom();
        int? version = request.Origin == KeyOrigin.Generated ? VersionNumbers.Next(0, _epoch, Now) : null;
        var incarnation = await Begin(UsagePolicy.Of(algorithm, request.Rotation, request.Origin), version);
        var material = version is { } first
            ? await _ciphers.NewMaterial(request.Protection, algorithm, incarnation, first)
            : null;
        var row = KeyChanges.Create(request, request.Usage ?? algorithm.Usages[0], incarnation, material, _epoch.Number, Now);
        try
        {
            await Write(null, row);
        }
        catch (InconsistentStateException)
        {
            LostRace();
            throw KmsError.KeyExists.Exception();
        }

        await Changed(row, request.Caller, KmsOperation.CreateKey.Verb);
        return Described(row);
    });

    /// <inheritdoc/>
    public Task<KeyDescription> Describe(KeyCommand request) => Guarded(async () =>
    {
        await Load();
        await RotateIfOverdue();
        using (await _turns.Begin())
        {
            var row = await Current();
            await _usage.Load(row.Incarnation);
            if (KeyRotation.MakesVersionsByItself(row) && KeyRotation.IsUsedUp(row, _usage.Meter(row.PrimaryVersion).Spent, Policy(row).RotateAt))
            {
                try
                {
                    row = await RotateNow(row, request.Caller, "rotate-by-plan");
                }
                catch (KmsException e) when (e.Error == KmsError.Conflict || e.Error == KmsError.HsmUnavailable || e.Error == KmsError.AuditUnavailable)
                {
                    // It cannot get another version, or not now. What it is can be told all the same.
                }
            }

            return Described(row);
        }
    }, isRepeatable: true);

    /// <inheritdoc/>
    public Task<KeyDescription> Update(UpdateKey request) => InTurn(async () =>
    {
        KeyRequestRules.Check(request);
        var (row, next) = await Prepare(row => KeyChanges.Update(row, request, Now));
        return await Commit(row, next, request.Caller, KmsOperation.UpdateKey.Verb, request.MinDecryptVersion);
    });

    /// <inheritdoc/>
    public Task<KeyDescription> Rotate(KeyCommand request) => InTurn(async () =>
    {
        var row = await RotateNow(await Current(), request.Caller, KmsOperation.RotateKey.Verb);
        await _usage.Load(row.Incarnation);
        return Described(row);
    });

    /// <inheritdoc/>
    public Task<KeyDescription> Enable(KeyCommand request) =>
        Change(request.Caller, KmsOperation.EnableKey.Verb, row => KeyChanges.SetState(row, KeyEvent.Enable));

    /// <inheritdoc/>
    public Task<KeyDescription> Disable(KeyCommand request) =>
        Change(request.Caller, KmsOperation.DisableKey.Verb, row => KeyChanges.SetState(row, KeyEvent.Disable));

    /// <inheritdoc/>
    public Task<KeyDescription> EnableVersion(KeyVersionCommand request) =>
        ChangeVersion(request, KmsOperation.EnableVersion.Verb, KeyVersionEvent.Enable);

    /// <inheritdoc/>
    public Task<KeyDescription> DisableVersion(KeyVersionCommand request) =>
        ChangeVersion(request, KmsOperation.DisableVersion.Verb, KeyVersionEvent.Disable);

    /// <inheritdoc/>
    public Task<KeyDescription> DestroyVersion(KeyVersionCommand request) =>
        ScheduleDestruction(request.Caller, request.Version, after: null);

    /// <inheritdoc/>
    public async Task<KeyValidation> Validate(KeyCommand request)
    {
        KeyState? state = null;
        try
        {
            return await InTurn(async () =>
            {
                while (true)
                {
                    var row = await Current();
                    state = row.State;
                    KeyLifecycle.RequireUsable(row.State);
                    KeyUsability.RequirePrimary(row);
                    KeyUsability.RequireImportSinceRestore(row, _epoch);
                    await _usage.Load(row.Incarnation);
                    if (await OpenVersion(row.PrimaryVersion) is { } version)
                    {
                        return version.IsAvailable ? new KeyValidation(true, state, null) : throw KmsError.HsmUnavailable.Exception();
                    }
                }
            }, isRepeatable: true);
        }
        catch (KmsException e)
        {
            return new(false, state, e.Code);
        }
    }

    /// <summary>Lets go of the material, also when the activation failed.</summary>
    public void Dispose()
    {
        _ciphers.Dispose();
        _mark?.Remove();
    }

    /// <summary>
    /// Begins the counters of a key that does not exist. When another activation begins them at the same moment, it may have
    /// created the key by now, or what it has begun goes on here.
    /// </summary>
    /// <returns>The incarnation that the row <c>key</c> must have.</returns>
    private async Task<Incarnation> Begin(UsagePolicy policy, int? version)
    {
        for (var lostRaces = 0; ; lostRaces++)
        {
            await LoadSlot();
            if (_slot.Row is { } existing)
            {
                throw (existing.State == KeyState.Destroyed ? KmsError.KeyDestroyed : KmsError.KeyExists).Exception();
            }

            try
            {
                return await _usage.Begin(policy, version);
            }
            catch (InconsistentStateException) when (lostRaces < MostLostRaces)
            {
                LostRace();
            }
        }
    }

    private Task<KeyDescription> ChangeVersion(KeyVersionCommand request, string operation, KeyVersionEvent happening) =>
        Change(request.Caller, operation, row => KeyChanges.ChangeVersion(row, request.Version, happening), request.Version);

    private Task<KeyDescription> Change(Caller caller, string operation, Func<KeyRow, KeyRow> change, int? changedVersion = null) =>
        InTurn(async () =>
        {
            var (row, next) = await Prepare(change);
            return await Commit(row, next, caller, operation, changedVersion);
        });

    /// <summary>
    /// A change of the newest row. A row that is written shows by its version that it followed from the newest; what changes
    /// nothing, or is refused, shows nothing, and another activation may have changed the key since this one read it. So that is
    /// found out from what is stored, not from memory.
    /// </summary>
    /// <returns>The row that the change followed from, and the next one.</returns>
    private async Task<(KeyRow Row, KeyRow Next)> Prepare(Func<KeyRow, KeyRow> change)
    {
        if (_mark is not null && !_slot.NeedsRead)
        {
            var known = await Current();
            try
            {
                var next = change(known);
                if (next != known)
                {
                    return (known, next);
                }
            }
            catch (KmsException)
            {
                // It says again what it refuses.
            }

            _slot.Invalidate();
        }

        var row = await Current();
        return (row, change(row));
    }

    /// <summary>Writes the next row if it differs, then lets go of what it forbids and erases what it destroys.</summary>
    private async Task<KeyDescription> Commit(KeyRow row, KeyRow next, Caller caller, string operation, int? changedVersion = null)
    {
        // What a write without an answer made may be there and yet be lost, as with a standby: only a write that has one says it is not.
        if (next != row || _slot.IsUnconfirmed)
        {
            _changes.RequireRoom();
            row = await Write(row, next);
            await Changed(row, caller, operation, changedVersion);
            row = await Erase(row);
        }

        await _usage.Load(row.Incarnation);
        return Described(row);
    }

    /// <summary>Tells the log and the metrics of a change that was committed.</summary>
    private Task Changed(KeyRow row, Caller caller, string operation, int? changedVersion = null)
    {
        // All changes have one label.
        CallInstruments.Count(caller, KmsOperation.UpdateKey);
        return _changes.KeyChanged(Id, operation, row.PrimaryVersion, changedVersion, caller);
    }

    /// <summary>Writes the row that follows from another, if that one (null for none) is still the last that is known.</summary>
    private async Task<KeyRow> Write(KeyRow? row, KeyRow next, bool permitsTheSame = false)
    {
        // A decryption that interleaved may have read what another activation wrote, and that must not be written over.
        if (!ReferenceEquals(row, _slot.Row))
        {
            throw new InconsistentStateException("The key was changed while a change of it was prepared.");
        }

        await _slot.Write(next, permitsTheSame);
        ForgetEncryptPath();
        RotationIsKept();
        CloseUnusable(_slot.Row!);
        return _slot.Row!;
    }

    private void CloseUnusable(KeyRow row)
    {
        if (row.State != KeyState.Enabled)
        {
            _ciphers.Dispose();
            return;
        }

        foreach (var version in row.Versions.Where(v => v.State != KeyVersionState.Enabled))
        {
            _ciphers.Close(version.Version);
        }
    }

    private async Task<KeyRow> RotateNow(KeyRow row, Caller caller, string operation)
    {
        var next = KeyRotation.Plan(row, _epoch, Now);
        _changes.RequireRoom();
        await _versionRows.Keep(row);
        return await MakeVersion(next, caller, operation);
    }

    /// <summary>Makes the next version of a key whose newest is kept in a row of its own.</summary>
    private async Task<KeyRow> MakeVersion(NextVersion next, Caller caller, string operation, bool permitsTheSame = false)
    {
        if (!KeyAlgorithms.TryFind(next.Row.Spec, out var algorithm))
        {
            throw KmsError.KeyCorrupted.Exception();
        }

        var material = await _ciphers.NewMaterial(next.Row.Protection, algorithm, next.Row.Incarnation, next.Number);
        var row = await Write(next.Row, next.Made(material, Now), permitsTheSame);
        await Changed(row, caller, operation);
        return row;
    }

    private static UsagePolicy Policy(KeyRow row) =>
        KeyAlgorithms.TryFind(row.Spec, out var algorithm)
            ? UsagePolicy.Of(algorithm, row.Rotation, row.Origin)
            : throw KmsError.KeyCorrupted.Exception();

    private KeyDescription Described(KeyRow row) => KeyDescriptions.Of(Id, row, _usage);
}

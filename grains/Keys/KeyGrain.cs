using System.Diagnostics.CodeAnalysis;
using Orleans.Concurrency;
using Orleans.Placement;
using Orleans.Serialization.Invocation;
using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.Operations;

namespace OrleansKms.Grains.Keys;

/// <summary>
/// One key: owns its material, its life and its counters. The facade that Orleans calls, and a table of contents of the
/// operations; <see cref="KeyActivation"/> is the key in memory.
/// </summary>
/// <remarks>
/// Placed at random, since the default placement piles keys up on few silos. Decryptions interleave with a change or a
/// reservation that waits for the database; everything else takes its turn. Where operations run elsewhere and take time, all
/// calls interleave, and those that need a turn take one inside (<see cref="Turns"/>): so only callers that need the HSM wait for
/// it.
/// </remarks>
[GrainType("key"), RandomPlacement, MayInterleave(nameof(MayInterleave))]
public sealed partial class KeyGrain : Grain, IKeyGrain, IMayBeAbsent, IRemindable, IDisposable
{
    private readonly KeyActivation _key;

    /// <summary>Makes an activation; nothing is read until it is used.</summary>
    public KeyGrain(KeyServices services, IGrainContext context) => _key = new(this, context, services);

    /// <inheritdoc/>
    public Task<KeyDescription> Create(CreateKey request) => Creation.Run(_key, request);

    /// <inheritdoc/>
    public Task<KeyDescription> Describe(KeyCommand request) => Description.Run(_key, request);

    /// <inheritdoc/>
    public Task<KeyDescription> Update(UpdateKey request) => Updating.Run(_key, request);

    /// <inheritdoc/>
    public Task<KeyDescription> Rotate(KeyCommand request) => Rotation.Run(_key, request);

    /// <inheritdoc/>
    public Task<KeyDescription> Enable(KeyCommand request) => StateChanges.Enable(_key, request);

    /// <inheritdoc/>
    public Task<KeyDescription> Disable(KeyCommand request) => StateChanges.Disable(_key, request);

    /// <inheritdoc/>
    public Task<KeyDescription> EnableVersion(KeyVersionCommand request) => StateChanges.EnableVersion(_key, request);

    /// <inheritdoc/>
    public Task<KeyDescription> DisableVersion(KeyVersionCommand request) => StateChanges.DisableVersion(_key, request);

    /// <inheritdoc/>
    public Task<KeyDescription> DestroyVersion(KeyVersionCommand request) =>
        VersionDestruction.Schedule(_key, request.Caller, request.Version, after: null);

    /// <inheritdoc/>
    public Task<KeyDescription> ScheduleDeletion(ScheduleDeletion request) => KeyDeletion.Schedule(_key, request);

    /// <inheritdoc/>
    public Task<KeyDescription> CancelDeletion(KeyCommand request) => KeyDeletion.Cancel(_key, request);

    /// <inheritdoc/>
    public Task<KeyValidation> Validate(KeyCommand request) => Validation.Run(_key, request);

    /// <inheritdoc/>
    public ValueTask<Encrypted> Encrypt(Encrypt request) => Encryption.Run(_key, request);

    /// <inheritdoc/>
    public ValueTask<Decrypted> Decrypt(Decrypt request) => Decryption.Run(_key, request);

    /// <inheritdoc/>
    public ValueTask<Encrypted> Rewrap(Decrypt request) => Rewrapping.Run(_key, request);

    /// <inheritdoc/>
    public ValueTask<DataKey> GenerateDataKey(GenerateDataKey request) => DataKeys.Run(_key, request);

    /// <inheritdoc/>
    public ValueTask<ItemResult<Encrypted>[]> EncryptBatch(EncryptBatch request) => Batches.Encrypt(_key, request);

    /// <inheritdoc/>
    public ValueTask<ItemResult<Decrypted>[]> DecryptBatch(DecryptBatch request) => Batches.Decrypt(_key, request);

    /// <inheritdoc/>
    public ValueTask<ItemResult<Encrypted>[]> RewrapBatch(DecryptBatch request) => Batches.Rewrap(_key, request);

    /// <summary>Whether a call may begin while others are in progress: not if everything is answered at once.</summary>
    /// <param name="request">The call.</param>
    [SuppressMessage("Style", "IDE0060", Justification = "Orleans calls it so.")]
    public bool MayInterleave(IInvokable request) => _key.Slot.Row is { } row && _key.MayInterleave(row);

    void IMayBeAbsent.EndIfAbsent() => _key.Gate.EndIfAbsent();

    Task IRemindable.ReceiveReminder(string reminderName, Orleans.Runtime.TickStatus status) =>
        reminderName == ImportReminder.Name ? _key.Imports.Tick() : _key.Reminder.Tick();

    /// <summary>Writes the exact counters and disposes the material.</summary>
    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken) => _key.Deactivate(cancellationToken);

    /// <summary>Disposes the material, even when the activation failed.</summary>
    public void Dispose() => _key.Dispose();
}

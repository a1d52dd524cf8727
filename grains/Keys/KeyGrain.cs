using System.Diagnostics.CodeAnalysis;
using Orleans.Concurrency;
using Orleans.Placement;
using Orleans.Serialization.Invocation;
using OrleansKms.Grains.Keys.Activation;
using OrleansKms.Grains.Keys.Operations;

namespace OrleansKms.Grains.Keys;

/// <summary>
/// One key: owns its material, its life and its counters. This is what Orleans calls, and says no more than where each operation is;
/// <see cref="KeyActivation"/> is the key in memory.
/// </summary>
/// <remarks>
/// Placed at random, since the default placement heaps keys on few silos. Decryptions interleave with a change or a
/// reservation that waits for the database; everything else takes its turn. Where operations are done elsewhere and take their
/// time, all calls interleave, and what needs a turn takes one within (<see cref="Turns"/>): so nothing waits for the HSM but
/// who asked something of it.
/// </remarks>
[GrainType("key"), RandomPlacement, MayInterleave(nameof(MayInterleave))]
public sealed partial class KeyGrain : Grain, IKeyGrain, IMayBeAbsent, IRemindable, IDisposable
{
    private readonly KeyActivation _key;

    /// <summary>Makes an activation; nothing is read before it is used.</summary>
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

    /// <summary>Whether a call may begin while others are under way: not where everything is answered at once.</summary>
    /// <param name="request">The call.</param>
    [SuppressMessage("Style", "IDE0060", Justification = "Orleans calls it so.")]
    public bool MayInterleave(IInvokable request) => _key.Slot.Row is { } row && !_key.AnswersAtOnce(row);

    void IMayBeAbsent.EndIfAbsent() => _key.Gate.EndIfAbsent();

    Task IRemindable.ReceiveReminder(string reminderName, Orleans.Runtime.TickStatus status) => _key.Reminder.Tick();

    /// <summary>Writes the exact counters and lets go of the material.</summary>
    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken) => _key.Deactivate(cancellationToken);

    /// <summary>Lets go of the material, also when the activation failed.</summary>
    public void Dispose() => _key.Dispose();
}

using OrleansKms.Grains.Keys.Lifecycle;
using OrleansKms.Grains.Keys.Rows;
using OrleansKms.Grains.Keys.Usage;
using OrleansKms.Grains.Cryptography;

namespace OrleansKms.Grains.Keys.Activation;

/// <summary>
/// What an operation with the primary version needs when it can run at once: the key and the version were usable when this was made,
/// and every change of that drops it. The operation takes the capability that it needs.
/// </summary>
internal sealed record ReadyVersion(
    IKeyVersion Version, IEncryptsAtOnce? AtOnce, UsageMeter Meter, UsagePolicy Policy, long RotateAtTicks)
{
    /// <summary>The version, where it is a public key, which encrypts at once too.</summary>
    public IEncryptsByPublicKey? ByPublicKey { get; } = Version as IEncryptsByPublicKey;
}

/// <summary>The result of one step in preparing the primary version.</summary>
internal enum Preparation
{
    /// <summary>The version is ready.</summary>
    Ready,

    /// <summary>The key rotated or changed in the meantime. It is checked again.</summary>
    Again,
}

/// <summary>The version that encrypts, signs or authenticates: whether it is ready, and how to make it so.</summary>
internal sealed class PrimaryVersion(KeyActivation key)
{
    private ReadyVersion? _ready;

    /// <summary>What an operation needs besides a use to spend; null when something must be prepared first.</summary>
    public ReadyVersion? Ready =>
        _ready is { } ready && !key.Slot.NeedsRead && (IsBefore(ready.RotateAtTicks) || !key.Rotation.MayRotate) ? ready : null;

    /// <summary>Whether it is prepared and encrypts at once.</summary>
    public bool AnswersAtOnce => _ready is { AtOnce: not null };

    /// <summary>Whether it was prepared and nothing has changed it since; a rotation by time may be due.</summary>
    public bool IsPrepared => _ready is not null;

    /// <summary>The key, or what is known of it, is changing: it must be prepared again.</summary>
    public void Forget() => _ready = null;

    /// <summary>
    /// Makes the version ready by whatever it takes: a read, a mandatory rotation, a reservation. An await lies between this
    /// and the use, during which a lost race can close the version; so a caller that waited tries to spend, and prepares again if
    /// it cannot.
    /// </summary>
    /// <param name="usage">What the key must be for.</param>
    /// <param name="wanted">How many uses are about to be spent.</param>
    public async Task Prepare(KeyUsage usage, long wanted)
    {
        if (await key.Rotation.RotateIfDue())
        {
            return;
        }

        using (await key.Turns.Begin())
        {
            while (await PrepareOnce(usage, wanted) != Preparation.Ready)
            {
            }
        }
    }

    /// <summary>
    /// Rotates the key if that is due, for an operation with the primary version's public part: it takes neither the material nor a use.
    /// </summary>
    /// <param name="usage">What the key must be for.</param>
    public async Task PreparePublic(KeyUsage usage)
    {
        await key.Rotation.RotateIfDue();
        using (await key.Turns.Begin())
        {
            while (await RotateBeforeUse(usage) is null)
            {
            }
        }
    }

    /// <summary>Reserves more uses once half of the last block is spent, unless the version was dropped since.</summary>
    public void RenewInBackground(ReadyVersion version)
    {
        if (ReferenceEquals(version, _ready)
            && key.Usage.RenewInBackground(version.Meter, version.Policy, key.Slot.Row!.Incarnation) is { } renewal)
        {
            _ = key.Gate.Observe(renewal);
        }
    }

    // Most keys have no rotation by time, and reading the clock costs as much as the rest of the check.
    private bool IsBefore(long ticks) => ticks == long.MaxValue || key.Services.Time.GetUtcNow().UtcTicks < ticks;

    private async Task<Preparation> PrepareOnce(KeyUsage usage, long wanted)
    {
        if (await RotateBeforeUse(usage) is not { } row)
        {
            return Preparation.Again;
        }

        var meter = key.Usage.Meter(row.PrimaryVersion);
        var policy = UsagePolicy.Of(row);
        KeyUsability.RequirePrimary(row);
        KeyUsability.RequirePrimarySpends(row);
        if (meter.Spent >= policy.RefuseAt)
        {
            throw KmsError.KeyExhausted.Exception();
        }

        // A changed plan may have put a threshold below what is reserved.
        meter.SpendUntil = Math.Min(meter.SpendUntil, policy.NextThreshold(meter.Spent));
        if (meter.Spent >= meter.SpendUntil)
        {
            await key.Usage.Reserve(meter, policy, row.Incarnation, wanted);
        }

        if (await Open(row) is not { Outcome: OpeningOutcome.Opened, Version: { } version }
            || !ReferenceEquals(row, key.Slot.Row) || key.Slot.NeedsRead)
        {
            return Preparation.Again;
        }

        _ready = new(version, version as IEncryptsAtOnce, meter, policy, row.NextRotationAt?.UtcTicks ?? long.MaxValue);
        return Preparation.Ready;
    }

    /// <summary>Opens the version or, where a key encrypts with a public key, that alone: it needs no material and no provider.</summary>
    private async ValueTask<Opening> Open(KeyRow row)
    {
        if (!KeyUsability.EncryptsByPublicKey(row))
        {
            return await key.Open(row.PrimaryVersion);
        }

        if (key.Services.Providers.Find(row.Protection) is { } provider && KeyAlgorithms.TryFind(row.Spec, out var algorithm))
        {
            await provider.UntilKnown(algorithm, row.Usage);
        }

        return ReferenceEquals(row, key.Slot.Row)
            ? Opening.Of(key.Versions.OpenPublic(row, row.Find(row.PrimaryVersion)!))
            : Opening.ClosedMeanwhile;
    }

    /// <summary>Makes the rotation that must not wait, if one is due.</summary>
    /// <param name="usage">What the key must be for.</param>
    /// <returns>The key, if none was; null if it has changed.</returns>
    private async Task<KeyRow?> RotateBeforeUse(KeyUsage usage)
    {
        var epoch = key.Services.Epoch;
        var row = await key.Current();
        KeyUsability.Require(row, usage);
        await key.Usage.Load(row.Incarnation);
        var meter = key.Usage.Meter(row.PrimaryVersion);
        var policy = UsagePolicy.Of(row);
        if (!policy.KeepsVersionAfterRestore)
        {
            KeyRestoration.RequireMadeSince(row);
            KeyUsability.RequireImportSinceRestore(row, epoch);
        }

        switch (KeyRotation.DueBeforeUse(row, epoch, meter.Spent, policy.RotateAt, policy.KeepsVersionAfterRestore))
        {
            case RotationDue.SinceRestore:
                await VersionMaking.Rotate(key, row, new(KeyServices.Self, "rotate-after-restore"));
                return null;
            case RotationDue.ByUse:
                await VersionMaking.Rotate(key, row, new(KeyServices.Self, "rotate-by-plan", Reason: "by use"));
                return null;
            default:
                return row;
        }
    }
}

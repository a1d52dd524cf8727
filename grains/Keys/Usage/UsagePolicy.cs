using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys.Usage;

/// <summary>At how many uses a version rotates or refuses, and how many may be reserved on the way there.</summary>
/// <param name="RotateAt">The number of uses at which the key makes a new version by itself.</param>
/// <param name="RefuseAt">The number of uses at which the version refuses.</param>
internal readonly record struct UsagePolicy(long RotateAt, long RefuseAt)
{
    /// <summary>The size of an activation's first block.</summary>
    public const long FirstBlock = 1024;

    /// <summary>The block size of a key that is always busy.</summary>
    public const long MaxBlock = 1L << 20;

    /// <summary>
    /// Whether the primary version stays in use after a restore from a backup, when how often it was used is unknown: nothing
    /// depends on that.
    /// </summary>
    public bool KeepsVersionAfterRestore { get; init; }

    /// <summary>The policy of a key. A key with external material cannot rotate by itself.</summary>
    public static UsagePolicy Of(KeyAlgorithm algorithm, RotationPlan? plan, KeyOrigin origin) =>
        origin == KeyOrigin.External
            ? new(long.MaxValue, algorithm.Limit.RefuseAt)
            : new(Math.Min(plan?.AfterUses ?? long.MaxValue, algorithm.Limit.RotateAt), algorithm.Limit.RefuseAt);

    private static UsagePolicy Of(KeyAlgorithm algorithm, KeyRow row)
    {
        var policy = Of(algorithm, row.Rotation, row.Origin);
        return policy with { KeepsVersionAfterRestore = !algorithm.RotatesAfterRestore && policy.RotateAt == long.MaxValue };
    }

    /// <summary>The policy of an existing key.</summary>
    /// <exception cref="KmsException">key_corrupted: this version does not know the algorithm.</exception>
    public static UsagePolicy Of(KeyRow row) => KeyAlgorithms.TryFind(row.Spec, out var algorithm)
        ? Of(algorithm, row)
        : throw KmsError.KeyCorrupted.Exception();

    /// <summary>The next threshold above a number of uses.</summary>
    public long NextThreshold(long spent) => spent < RotateAt ? Math.Min(RotateAt, RefuseAt) : RefuseAt;

    /// <summary>
    /// How many uses to reserve: those wanted, but at most 1/16 of the way to the next threshold. So a crash, after which the block counts
    /// as spent, cannot exhaust a budget.
    /// </summary>
    /// <param name="spent">Uses spent.</param>
    /// <param name="wanted">The block size that the load calls for.</param>
    /// <returns>At least 1 below the threshold, and 0 at it.</returns>
    public long Reservation(long spent, long wanted)
    {
        var distance = NextThreshold(spent) - spent;
        return Math.Min(distance, Math.Clamp(distance / 16, 1, wanted));
    }
}

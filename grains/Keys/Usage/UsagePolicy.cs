using OrleansKms.Grains.Cryptography;
using OrleansKms.Grains.Keys.Rows;

namespace OrleansKms.Grains.Keys.Usage;

/// <summary>At how many uses a version rotates or refuses, and how many uses may be reserved on the way there.</summary>
/// <param name="RotateAt">Uses at which the key makes a new version by itself.</param>
/// <param name="RefuseAt">Uses at which the version refuses.</param>
internal readonly record struct UsagePolicy(long RotateAt, long RefuseAt)
{
    /// <summary>The first block of an activation.</summary>
    public const long FirstBlock = 1024;

    /// <summary>The block of a key that is always busy.</summary>
    public const long MaxBlock = 1L << 20;

    /// <summary>The policy of a key. One whose material comes from outside cannot rotate by itself.</summary>
    public static UsagePolicy Of(KeyAlgorithm algorithm, RotationPlan? plan, KeyOrigin origin) =>
        origin == KeyOrigin.External
            ? new(long.MaxValue, algorithm.Limit.RefuseAt)
            : new(Math.Min(plan?.AfterUses ?? long.MaxValue, algorithm.Limit.RotateAt), algorithm.Limit.RefuseAt);

    /// <summary>The policy of a key that exists.</summary>
    /// <exception cref="KmsException">key_corrupted: this program knows no such algorithm.</exception>
    public static UsagePolicy Of(KeyRow row) => KeyAlgorithms.TryFind(row.Spec, out var algorithm)
        ? Of(algorithm, row.Rotation, row.Origin)
        : throw KmsError.KeyCorrupted.Exception();

    /// <summary>The next threshold above a number of uses.</summary>
    public long NextThreshold(long spent) => spent < RotateAt ? Math.Min(RotateAt, RefuseAt) : RefuseAt;

    /// <summary>
    /// How many uses to reserve: what is wanted, but at most 1/16 of the way to the next threshold, so that a crash, after
    /// which the block counts as spent, cannot use a budget up.
    /// </summary>
    /// <param name="spent">Uses spent.</param>
    /// <param name="wanted">The block that the load asks for.</param>
    /// <returns>At least 1 below the threshold, and 0 at it.</returns>
    public long Reservation(long spent, long wanted)
    {
        var distance = NextThreshold(spent) - spent;
        return Math.Min(distance, Math.Clamp(distance / 16, 1, wanted));
    }
}

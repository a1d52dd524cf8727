namespace OrleansKms.Grains.Cryptography;

/// <summary>How often one version of a key may be used.</summary>
/// <param name="RotateAt">Number of uses at which the key rotates by itself; <see cref="long.MaxValue"/> for never.</param>
/// <param name="RefuseAt">Number of uses at which the version refuses; <see cref="long.MaxValue"/> for never.</param>
public readonly record struct UsageLimit(long RotateAt, long RefuseAt)
{
    /// <summary>No limit within reach.</summary>
    public static UsageLimit None => new(long.MaxValue, long.MaxValue);

    /// <summary>
    /// AEADs with random 96-bit nonces: 2^32 messages under one key (SP 800-38D, 8.3), with a rotation at half of that.
    /// </summary>
    public static UsageLimit Random96BitNonces => new(1L << 31, 1L << 32);
}

namespace OrleansKms.Grains.Cryptography;

/// <summary>How often one version of a key may be used.</summary>
/// <param name="RotateAt">Uses at which the key makes a new primary version by itself; <see cref="long.MaxValue"/> for never.</param>
/// <param name="RefuseAt">Uses at which the version refuses; <see cref="long.MaxValue"/> for never.</param>
public readonly record struct UsageLimit(long RotateAt, long RefuseAt)
{
    /// <summary>No limit that anyone reaches.</summary>
    public static UsageLimit None => new(long.MaxValue, long.MaxValue);

    /// <summary>
    /// AEADs with random 96-bit nonces: 2^32 messages under one key (SP 800-38D, 8.3), and a rotation at half of that.
    /// </summary>
    public static UsageLimit Random96BitNonces => new(1L << 31, 1L << 32);
}

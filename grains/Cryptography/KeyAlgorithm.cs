namespace OrleansKms.Grains.Cryptography;

/// <summary>
/// One key spec: a row of the algorithm table. The base checks arguments once; a subclass, in a file of its own, does
/// only the cryptography.
/// </summary>
public abstract class KeyAlgorithm
{
    /// <summary>The name in the interface, for example <c>AES_256_GCM</c>.</summary>
    public abstract string Spec { get; }

    /// <summary>The algorithm byte in ciphertexts; never changes and is never used again for another algorithm.</summary>
    public abstract byte Id { get; }

    /// <summary>What keys of this spec may be used for; the first is the default.</summary>
    public abstract IReadOnlyList<KeyUsage> Usages { get; }

    /// <summary>Length of the material in bytes.</summary>
    public abstract int MaterialLength { get; }

    /// <summary>How often one version may be used.</summary>
    public abstract UsageLimit Limit { get; }
}

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

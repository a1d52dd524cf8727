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

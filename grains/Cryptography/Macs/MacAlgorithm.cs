namespace OrleansKms.Grains.Cryptography.Macs;

/// <summary>
/// A key spec for HMAC (RFC 2104, FIPS 198-1) with one hash of SHA-2. Material that is made here is as long as the hash; imported material
/// may have up to the length of the hash's block. RFC 2104, 3 discourages shorter keys, and a longer one would be hashed first.
/// </summary>
/// <remarks>
/// How often a key is used has no limit: forging takes some 2^(n/2) chosen messages, n being the length of the hash in bits
/// (RFC 2104, 6).
/// </remarks>
public abstract class MacAlgorithm : KeyAlgorithm
{
    private static readonly KeyUsage[] _usages = [KeyUsage.Mac];

    /// <inheritdoc/>
    public sealed override IReadOnlyList<KeyUsage> Usages => _usages;

    /// <inheritdoc/>
    public sealed override UsageLimit Limit => UsageLimit.None;

    /// <summary>No: there is no count to keep.</summary>
    public sealed override bool RotatesAfterRestore => false;

    /// <summary>Length of the MAC, and of material that is made here, in bytes.</summary>
    public abstract int MacLength { get; }

    /// <summary>Length of the hash's block in bytes (FIPS 180-4, 1).</summary>
    private int BlockLength => MacLength > 32 ? 128 : 64;

    /// <inheritdoc/>
    public sealed override ValueTask<SecretBytes> NewMaterial(CancellationToken cancellationToken = default) => new(SecretBytes.Random(MacLength));

    /// <inheritdoc/>
    public sealed override bool Accepts(ReadOnlySpan<byte> material) => material.Length >= MacLength && material.Length <= BlockLength;

    /// <summary>Opens a key of any length: that of material is checked before.</summary>
    /// <param name="key">The key; do not keep it.</param>
    internal abstract MacKey OpenKey(ReadOnlySpan<byte> key);

    private protected sealed override IKeyVersion OpenCore(
        KeyUsage usage, string keyId, int version, ReadOnlySpan<byte> material) =>
        new MacVersion(version, MacLength, OpenKey(material));
}

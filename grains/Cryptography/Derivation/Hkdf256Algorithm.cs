using System.Security.Cryptography;

namespace OrleansKms.Grains.Cryptography.Derivation;

/// <summary>HKDF with SHA-256 (RFC 5869, SP 800-56C), on the platform's implementation.</summary>
/// <remarks>
/// Material 256 bits. A derived key has up to 8,160 bytes. How often
/// a key is used has no limit.
/// </remarks>
public sealed class Hkdf256Algorithm : KeyAlgorithm
{
    private const int MaterialLength = 32;

    private static readonly KeyUsage[] _usages = [KeyUsage.Derive];

    /// <inheritdoc/>
    public override string Spec => "HKDF_256";

    /// <inheritdoc/>
    public override IReadOnlyList<KeyUsage> Usages => _usages;

    /// <inheritdoc/>
    public override UsageLimit Limit => UsageLimit.None;

    /// <summary>No: there is no count to keep, and a new version derives other keys.</summary>
    public override bool RotatesAfterRestore => false;

    /// <inheritdoc/>
    public override ValueTask<SecretBytes> NewMaterial(CancellationToken cancellationToken = default) => new(SecretBytes.Random(MaterialLength));

    /// <inheritdoc/>
    public override bool Accepts(ReadOnlySpan<byte> material) => material.Length == MaterialLength;

    /// <summary>Derives a key from any secret.</summary>
    /// <param name="secret">The input keying material; any length.</param>
    /// <param name="context">The info.</param>
    /// <param name="salt">The salt; may be empty.</param>
    /// <param name="derived">Receives the key; at most 8,160 bytes.</param>
    /// <exception cref="ArgumentException">The key is longer.</exception>
    internal static void Derive(
        ReadOnlySpan<byte> secret, ReadOnlySpan<byte> context, ReadOnlySpan<byte> salt, Span<byte> derived) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, derived, salt, context);

    private protected override IKeyVersion OpenCore(KeyUsage usage, string keyId, int version, ReadOnlySpan<byte> material) =>
        new DerivingVersion(version, material);

    /// <summary>One version of a key in this process.</summary>
    private sealed class DerivingVersion(int version, ReadOnlySpan<byte> material) : IDerives
    {
        private readonly SecretBytes _material = SecretBytes.CopyOf(material);

        public int Version => version;

        public bool IsAvailable => true;

        public void Derive(ReadOnlySpan<byte> context, ReadOnlySpan<byte> salt, Span<byte> derived) =>
            Hkdf256Algorithm.Derive(_material.Span, context, salt, derived);

        public void Dispose() => _material.Dispose();
    }
}

using System.Formats.Asn1;
using System.Security.Cryptography;
using Org.BouncyCastle.Math.EC.Rfc7748;
using OrleansKms.Grains.Cryptography.Importing;

namespace OrleansKms.Grains.Cryptography.Agreement;

/// <summary>X25519 (RFC 7748), which the platform does not have; by BouncyCastle.</summary>
/// <remarks>
/// The material is PKCS#8, the public part SubjectPublicKeyInfo, both as RFC 8410 writes them, which is in one way only. A public key of
/// low order, which leads to a secret of zeros, is refused (RFC 7748, 6.1).
/// </remarks>
public sealed class X25519Algorithm : KeyAlgorithm
{
    /// <summary>The object identifier (RFC 8410, 3).</summary>
    internal const string Oid = "1.3.101.110";

    /// <summary>Length of a key, and of a secret, in bytes.</summary>
    internal const int KeyLength = 32;

    private static readonly KeyUsage[] _usages = [KeyUsage.KeyAgreement];

    /// <inheritdoc/>
    public override string Spec => "X25519";

    /// <inheritdoc/>
    public override IReadOnlyList<KeyUsage> Usages => _usages;

    /// <inheritdoc/>
    public override UsageLimit Limit => UsageLimit.None;

    /// <inheritdoc/>
    public override bool MakesDataKeyPairs => true;

    /// <summary>No: there is no count to keep, and others know the old public key.</summary>
    public override bool RotatesAfterRestore => false;

    // What stands before the 32 bytes of a key: the DER of everything else.
    private static ReadOnlySpan<byte> PrivatePrefix => [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 4, 0x22, 4, 0x20];

    private static ReadOnlySpan<byte> PublicPrefix => [0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 3, 0x21, 0];

    /// <inheritdoc/>
    public override ValueTask<SecretBytes> NewMaterial(CancellationToken cancellationToken = default)
    {
        // Any 32 bytes are a private key: the function ignores the bits that it must not have.
        var material = new SecretBytes(PrivatePrefix.Length + KeyLength);
        PrivatePrefix.CopyTo(material.Span);
        RandomNumberGenerator.Fill(material.Span[PrivatePrefix.Length..]);
        return new(material);
    }

    /// <inheritdoc/>
    public override bool Accepts(ReadOnlySpan<byte> material) =>
        material.Length == PrivatePrefix.Length + KeyLength && material.StartsWith(PrivatePrefix);

    /// <inheritdoc/>
    public override byte[]? PublicPart(ReadOnlySpan<byte> material)
    {
        var part = new byte[PublicPrefix.Length + KeyLength];
        PublicPrefix.CopyTo(part);
        X25519.ScalarMultBase(material[PrivatePrefix.Length..], part.AsSpan(PublicPrefix.Length));
        return part;
    }

    /// <inheritdoc/>
    public override PublicJwk? JwkOf(ReadOnlySpan<byte> publicPart) =>
        new("OKP") { Curve = "X25519", X = PublicJwk.Text(publicPart[PublicPrefix.Length..].ToArray()) };

    /// <summary>A public key as SubjectPublicKeyInfo.</summary>
    /// <param name="key">32 bytes.</param>
    internal static byte[] PublicInfo(byte[] key) => [.. PublicPrefix, .. key];

    /// <summary>The 32 bytes of a public key; null for what is none.</summary>
    /// <param name="publicKey">SubjectPublicKeyInfo; may be anything.</param>
    internal static byte[]? KeyIn(ReadOnlySpan<byte> publicKey) =>
        publicKey.Length == PublicPrefix.Length + KeyLength && publicKey.StartsWith(PublicPrefix) ? publicKey[PublicPrefix.Length..].ToArray() : null;

    /// <summary>The same, unless the point is of low order: every private key would lead to the secret of zeros (RFC 7748, 6.1).</summary>
    /// <param name="publicKey">SubjectPublicKeyInfo; may be anything.</param>
    internal static byte[]? SoundKeyIn(ReadOnlySpan<byte> publicKey)
    {
        Span<byte> secret = stackalloc byte[KeyLength];
        return KeyIn(publicKey) is { } key && X25519.CalculateAgreement(new byte[KeyLength], key, secret) ? key : null;
    }

    private protected override SecretBytes? ImportCore(ReadOnlySpan<byte> material)
    {
        if (!PrivateKeyInfo.TryReadString(material, Oid, Asn1Tag.PrimitiveOctetString, out var key, out var theirs) || key.Length != KeyLength)
        {
            return null;
        }

        var kept = new SecretBytes(PrivatePrefix.Length + KeyLength);
        PrivatePrefix.CopyTo(kept.Span);
        key.CopyTo(kept.Span[PrivatePrefix.Length..]);
        if (theirs.IsEmpty || PublicPart(kept.Span).AsSpan(PublicPrefix.Length).SequenceEqual(theirs))
        {
            return kept;
        }

        kept.Dispose();
        return null;
    }

    private protected override IKeyVersion OpenCore(KeyUsage usage, string keyId, int version, ReadOnlySpan<byte> material) =>
        new AgreeingVersion(version, material[PrivatePrefix.Length..]);

    /// <summary>One version of a key in this process.</summary>
    private sealed class AgreeingVersion(int version, ReadOnlySpan<byte> key) : IAgrees
    {
        private readonly SecretBytes _key = SecretBytes.CopyOf(key);

        public int Version => version;

        public bool IsAvailable => true;

        public ValueTask<SecretBytes?> Agree(ReadOnlyMemory<byte> publicKey) => new(Agree(KeyIn(publicKey.Span)));

        public void Dispose() => _key.Dispose();

        private SecretBytes? Agree(byte[]? theirs)
        {
            if (theirs is null)
            {
                return null;
            }

            var secret = new SecretBytes(KeyLength);
            if (X25519.CalculateAgreement(_key.Span, theirs, secret.Span))
            {
                return secret;
            }

            secret.Dispose();
            return null;
        }
    }
}

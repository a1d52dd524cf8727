using System.Security.Cryptography;
using OrleansKms.Grains.Cryptography.Importing;
using OrleansKms.Grains.Cryptography.Oaep;

namespace OrleansKms.Grains.Cryptography.Signatures;

/// <summary>
/// RSA on the platform's implementation: signatures (RFC 8017, 8) by PSS, whose salt is as long as the hash, and PKCS #1 v1.5; or
/// encryption (RFC 8017, 7.1) by OAEP.
/// </summary>
/// <remarks>
/// Keys that are made here have the public exponent 65537; <see cref="RsaKeyImport"/> says what others may have. Making one takes a tenth of a second to some seconds, by its size, so it is slow work. The
/// platform keeps the private numbers in memory of its own while a version is open.
/// </remarks>
/// <param name="bits">Length of the modulus: 2048, 3072 or 4096.</param>
public sealed class RsaAlgorithm(int bits) : SignatureAlgorithm
{
    private static readonly KeyUsage[] _usages = [KeyUsage.SignVerify, KeyUsage.EncryptDecrypt, KeyUsage.Jws];

    private static readonly int[] _hashes = [256, 384, 512];

    private static readonly RsaScheme[] _schemes =
    [
        .. _hashes.Select(hash => new RsaScheme($"RSASSA_PSS_SHA_{hash}", hash, RSASignaturePadding.Pss)),
        .. _hashes.Select(hash => new RsaScheme($"RSASSA_PKCS1_V1_5_SHA_{hash}", hash, RSASignaturePadding.Pkcs1)),
    ];

    private static readonly JwsAlgorithm[] _jws =
    [
        new("PS256", _schemes.First(scheme => scheme is { DigestLength: 32 } && scheme.Padding == RSASignaturePadding.Pss)),
        new("RS256", _schemes.First(scheme => scheme is { DigestLength: 32 } && scheme.Padding == RSASignaturePadding.Pkcs1)),
    ];

    /// <inheritdoc/>
    public override string Spec { get; } = FormattableString.Invariant($"RSA_{bits}");

    /// <inheritdoc/>
    public override IReadOnlyList<KeyUsage> Usages => _usages;

    /// <inheritdoc/>
    public override int SinceLevel(KeyUsage usage) => usage == KeyUsage.EncryptDecrypt ? 6 : base.SinceLevel(usage);

    /// <inheritdoc/>
    public override IReadOnlyList<SignatureScheme> Schemes => _schemes;

    /// <inheritdoc/>
    public override IReadOnlyList<JwsAlgorithm> JwsAlgorithms => _jws;

    /// <inheritdoc/>
    public override IReadOnlyList<EncryptionScheme> EncryptionSchemes => RsaOaepScheme.All;

    /// <inheritdoc/>
    public override bool IsSlow => true;

    /// <inheritdoc/>
    public override bool MakesDataKeyPairs => true;

    /// <inheritdoc/>
    public override async ValueTask<SecretBytes> NewMaterial(CancellationToken cancellationToken = default) =>
        await SlowWork.KeyMaking.Run(
            () =>
            {
                using var key = RSA.Create(bits);
                return Pkcs8.Export(key);
            },
            cancellationToken);

    /// <inheritdoc/>
    public override bool Accepts(ReadOnlySpan<byte> material)
    {
        using var key = RSA.Create();
        return Pkcs8.TryImport(key, material) && key.KeySize == bits
            && RsaKeyImport.IsExponent(key.ExportParameters(includePrivateParameters: false).Exponent);
    }

    /// <inheritdoc/>
    public override byte[]? PublicPart(ReadOnlySpan<byte> material)
    {
        using var key = RSA.Create();
        key.ImportPkcs8PrivateKey(material, out _);
        return key.ExportSubjectPublicKeyInfo();
    }

    /// <inheritdoc/>
    public override PublicJwk? JwkOf(ReadOnlySpan<byte> publicPart)
    {
        using var key = ImportPublic(publicPart);
        var numbers = key.ExportParameters(includePrivateParameters: false);
        return new("RSA") { Modulus = PublicJwk.Text(numbers.Modulus), Exponent = PublicJwk.Text(numbers.Exponent) };
    }

    private protected override SecretBytes? ImportCore(ReadOnlySpan<byte> material) => RsaKeyImport.Private(material, bits);

    private protected override bool AcceptsPublic(ReadOnlySpan<byte> publicKey) => RsaKeyImport.IsPublic(publicKey, bits);

    /// <inheritdoc/>
    public override IReadOnlyList<string> AlgorithmNames(KeyUsage usage) =>
        usage == KeyUsage.EncryptDecrypt ? [.. EncryptionSchemes.Select(scheme => scheme.Name)] : base.AlgorithmNames(usage);

    /// <inheritdoc/>
    public override IKeyVersion? OpenPublic(KeyUsage usage, int version, ReadOnlySpan<byte> publicPart)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(version, 1);
        return usage == KeyUsage.EncryptDecrypt
            ? new RsaOaepPublicVersion(version, ImportPublic(publicPart))
            : base.OpenPublic(usage, version, publicPart);
    }

    private protected override IKeyVersion OpenCore(KeyUsage usage, string keyId, int version, ReadOnlySpan<byte> material) =>
        usage == KeyUsage.EncryptDecrypt
            ? new RsaOaepPrivateVersion(version, ImportPrivate(material))
            : base.OpenCore(usage, keyId, version, material);

    private protected override SignatureKey OpenPrivateKey(ReadOnlySpan<byte> material) => new RsaKey(ImportPrivate(material));

    private protected override SignatureKey OpenPublicKey(ReadOnlySpan<byte> publicPart) => new RsaKey(ImportPublic(publicPart));

    private static RSA ImportPrivate(ReadOnlySpan<byte> material)
    {
        var key = RSA.Create();
        try
        {
            key.ImportPkcs8PrivateKey(material, out _);
            return key;
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }

    private RSA ImportPublic(ReadOnlySpan<byte> publicPart)
    {
        var key = RSA.Create();
        try
        {
            key.ImportSubjectPublicKeyInfo(publicPart, out var read);
            return read == publicPart.Length && key.KeySize == bits
                ? key
                : throw new CryptographicException($"This is not a public key of {Spec}.");
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }
}

using System.Formats.Asn1;
using System.Security.Cryptography;
using Org.BouncyCastle.Crypto.Parameters;

namespace OrleansKms.Grains.Cryptography.Signatures;

/// <summary>
/// ML-DSA (FIPS 204), pure and hedged: on the platform's implementation where there is one, on BouncyCastle's elsewhere, in the same
/// encodings. A private key is a seed of 32 bytes (RFC 9881, 6).
/// </summary>
/// <remarks>
/// There is no signing of a digest or of an external mu: FIPS 204 does not sign a digest under these names, and BouncyCastle's public
/// interface takes no mu. BouncyCastle keeps the expanded key in memory that cannot be erased.
/// </remarks>
public sealed class MlDsaAlgorithm : RawKeyAlgorithm
{
    private const int SeedLength = 32;

    private readonly SignatureScheme[] _schemes;
    private readonly MLDsaParameters _parameters;
    private readonly MLDsaAlgorithm _platform;
    private readonly bool _usesPlatform;

    private MlDsaAlgorithm(string set, MLDsaAlgorithm platform, MLDsaParameters parameters, string oid, bool usesPlatform)
        : base(oid, SeedLength, platform.PublicKeySizeInBytes, new Asn1Tag(TagClass.ContextSpecific, 0))
    {
        Spec = "ML_DSA_" + set;
        _schemes = [new(Spec) { HasContext = true }];
        _parameters = parameters;
        _platform = platform;
        _usesPlatform = usesPlatform;
    }

    /// <inheritdoc/>
    public override string Spec { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<SignatureScheme> Schemes => _schemes;

    /// <summary>The smallest parameter set: security category 2.</summary>
    public static MlDsaAlgorithm Of44 { get; } = Make44(MLDsa.IsSupported);

    /// <summary>The parameter set of security category 3.</summary>
    public static MlDsaAlgorithm Of65 { get; } = Make65(MLDsa.IsSupported);

    /// <summary>The parameter set of security category 5.</summary>
    public static MlDsaAlgorithm Of87 { get; } = Make87(MLDsa.IsSupported);

    /// <summary>Each set on one of the two implementations, for tests over both.</summary>
    internal static MlDsaAlgorithm[] On(bool platform) => [Make44(platform), Make65(platform), Make87(platform)];

    /// <inheritdoc/>
    public override ValueTask<SecretBytes> NewMaterial(CancellationToken cancellationToken = default)
    {
        var material = BeginMaterial(out var seed);
        RandomNumberGenerator.Fill(seed);
        return new(material);
    }

    private protected override PublicJwk? JwkOfKey(byte[] key) => new("AKP") { Algorithm = _platform.Name, Public = PublicJwk.Text(key) };

    private protected override void PublicOf(ReadOnlySpan<byte> privateKey, Span<byte> publicKey)
    {
        if (_usesPlatform)
        {
            using var key = MLDsa.ImportMLDsaPrivateSeed(_platform, privateKey);
            key.ExportMLDsaPublicKey(publicKey);
            return;
        }

        BouncyMlDsaKey.PublicOf(_parameters, privateKey, publicKey);
    }

    private protected override SignatureKey OpenPrivate(ReadOnlySpan<byte> key) => OpenSeed(key);

    /// <summary>Opens a seed, with randomness of one's own, which only BouncyCastle's implementation takes.</summary>
    internal SignatureKey OpenSeed(ReadOnlySpan<byte> seed, RandomFill? random = null) => _usesPlatform
        ? new PlatformMlDsaKey(MLDsa.ImportMLDsaPrivateSeed(_platform, seed))
        : BouncyMlDsaKey.Private(_parameters, seed, random);

    private protected override SignatureKey OpenPublic(ReadOnlySpan<byte> key) => _usesPlatform
        ? new PlatformMlDsaKey(MLDsa.ImportMLDsaPublicKey(_platform, key))
        : BouncyMlDsaKey.Public(_parameters, key);

    private static MlDsaAlgorithm Make44(bool platform) =>
        new("44", MLDsaAlgorithm.MLDsa44, MLDsaParameters.ml_dsa_44, "2.16.840.1.101.3.4.3.17", platform);

    private static MlDsaAlgorithm Make65(bool platform) =>
        new("65", MLDsaAlgorithm.MLDsa65, MLDsaParameters.ml_dsa_65, "2.16.840.1.101.3.4.3.18", platform);

    private static MlDsaAlgorithm Make87(bool platform) =>
        new("87", MLDsaAlgorithm.MLDsa87, MLDsaParameters.ml_dsa_87, "2.16.840.1.101.3.4.3.19", platform);
}

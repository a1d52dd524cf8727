using System.Formats.Asn1;
using System.Security.Cryptography;
using Org.BouncyCastle.Crypto.Parameters;

namespace OrleansKms.Grains.Cryptography.Encapsulation;

/// <summary>
/// ML-KEM (FIPS 203): on the platform's implementation where there is one, on BouncyCastle's elsewhere, in the same encodings. A private
/// key is a seed of 64 bytes, d and then z (RFC 9935, 6), never the expanded key.
/// </summary>
/// <remarks>BouncyCastle keeps the seed and the expanded key in memory that cannot be erased.</remarks>
public sealed class MlKemAlgorithm : KemAlgorithm
{
    /// <summary>Length of a seed in bytes.</summary>
    internal const int SeedLength = 64;

    private readonly MLKemParameters _parameters;
    private readonly MLKemAlgorithm _platform;
    private readonly bool _usesPlatform;

    private MlKemAlgorithm(string set, MLKemAlgorithm platform, MLKemParameters parameters, string oid, bool usesPlatform)
        : base(oid, SeedLength, platform.EncapsulationKeySizeInBytes, platform.CiphertextSizeInBytes, new Asn1Tag(TagClass.ContextSpecific, 0))
    {
        Spec = "ML_KEM_" + set;
        _parameters = parameters;
        _platform = platform;
        _usesPlatform = usesPlatform;
    }

    /// <inheritdoc/>
    public override string Spec { get; }

    /// <summary>The smallest parameter set: security category 1.</summary>
    public static MlKemAlgorithm Of512 { get; } = Make512(MLKem.IsSupported);

    /// <summary>The parameter set of security category 3.</summary>
    public static MlKemAlgorithm Of768 { get; } = Make768(MLKem.IsSupported);

    /// <summary>The parameter set of security category 5.</summary>
    public static MlKemAlgorithm Of1024 { get; } = Make1024(MLKem.IsSupported);

    /// <summary>Length of a public key in bytes.</summary>
    internal int PublicKeyLength => _platform.EncapsulationKeySizeInBytes;

    /// <summary>Each set on one of the two implementations, for tests over both.</summary>
    internal static MlKemAlgorithm[] On(bool platform) => [Make512(platform), Make768(platform), Make1024(platform)];

    internal override void PublicOf(ReadOnlySpan<byte> seed, Span<byte> publicKey)
    {
        if (_usesPlatform)
        {
            using var key = MLKem.ImportPrivateSeed(_platform, seed);
            key.ExportEncapsulationKey(publicKey);
            return;
        }

        BouncyMlKemKey.PublicOf(_parameters, seed, publicKey);
    }

    internal override KemKey OpenPrivate(ReadOnlySpan<byte> seed) => _usesPlatform
        ? new PlatformMlKemKey(MLKem.ImportPrivateSeed(_platform, seed))
        : BouncyMlKemKey.Private(_parameters, seed);

    internal override KemKey OpenPublic(ReadOnlySpan<byte> key) => OpenPublic(key, RandomNumberGenerator.Fill);

    /// <summary>Opens a public key with randomness of one's own, which only BouncyCastle's implementation takes.</summary>
    internal KemKey OpenPublic(ReadOnlySpan<byte> key, RandomFill random) => _usesPlatform
        ? new PlatformMlKemKey(MLKem.ImportEncapsulationKey(_platform, key))
        : BouncyMlKemKey.Public(_parameters, key, random);

    private static MlKemAlgorithm Make512(bool platform) =>
        new("512", MLKemAlgorithm.MLKem512, MLKemParameters.ml_kem_512, "2.16.840.1.101.3.4.4.1", platform);

    private static MlKemAlgorithm Make768(bool platform) =>
        new("768", MLKemAlgorithm.MLKem768, MLKemParameters.ml_kem_768, "2.16.840.1.101.3.4.4.2", platform);

    private static MlKemAlgorithm Make1024(bool platform) =>
        new("1024", MLKemAlgorithm.MLKem1024, MLKemParameters.ml_kem_1024, "2.16.840.1.101.3.4.4.3", platform);
}

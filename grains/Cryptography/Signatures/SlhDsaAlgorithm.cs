using System.Security.Cryptography;
using Org.BouncyCastle.Crypto.Generators;
using Org.BouncyCastle.Crypto.Parameters;

namespace OrleansKms.Grains.Cryptography.Signatures;

/// <summary>
/// SLH-DSA (FIPS 205) with SHA-2 and small signatures, pure and hedged, on BouncyCastle's implementation. A private key is the four
/// strings of FIPS 205, 9.1, side by side (RFC 9909, 5).
/// </summary>
/// <remarks>
/// A signature takes a tenth of a second to a second and has 8 to 30 KB, so making keys and signing are slow work; verifying takes a
/// millisecond. BouncyCastle keeps the key in memory that cannot be erased.
/// </remarks>
public sealed class SlhDsaAlgorithm : RawKeyAlgorithm
{
    private readonly SignatureScheme[] _schemes;
    private readonly SlhDsaParameters _parameters;
    private readonly string _jwkName;

    private SlhDsaAlgorithm(string set, SlhDsaParameters parameters, string oid, int length)
        : base(oid, 4 * length, 2 * length, inner: null)
    {
        Spec = "SLH_DSA_SHA2_" + set;
        _schemes = [new(Spec) { HasContext = true }];
        _parameters = parameters;
        _jwkName = parameters.Name;
    }

    /// <summary>The parameter set of security category 1.</summary>
    public static SlhDsaAlgorithm Of128S { get; } = new("128S", SlhDsaParameters.slh_dsa_sha2_128s, "2.16.840.1.101.3.4.3.20", 16);

    /// <summary>The parameter set of security category 3.</summary>
    public static SlhDsaAlgorithm Of192S { get; } = new("192S", SlhDsaParameters.slh_dsa_sha2_192s, "2.16.840.1.101.3.4.3.22", 24);

    /// <summary>The parameter set of security category 5.</summary>
    public static SlhDsaAlgorithm Of256S { get; } = new("256S", SlhDsaParameters.slh_dsa_sha2_256s, "2.16.840.1.101.3.4.3.24", 32);

    /// <inheritdoc/>
    public override string Spec { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<SignatureScheme> Schemes => _schemes;

    /// <inheritdoc/>
    public override bool IsSlow => true;

    private protected override bool SignsSlowly => true;

    /// <inheritdoc/>
    public override async ValueTask<SecretBytes> NewMaterial(CancellationToken cancellationToken = default) =>
        await SlowWork.KeyMaking.Run(() => Make(RandomNumberGenerator.Fill), cancellationToken);

    /// <summary>Makes material, which takes long.</summary>
    /// <param name="random">SK.seed, SK.prf and PK.seed, in this order (FIPS 205, 10.1).</param>
    internal SecretBytes Make(RandomFill random)
    {
        var generator = new SlhDsaKeyPairGenerator();
        generator.Init(new SlhDsaKeyGenerationParameters(BouncyRandom.Of(random), _parameters));
        var encoded = ((SlhDsaPrivateKeyParameters)generator.GenerateKeyPair().Private).GetEncoded();
        var material = BeginMaterial(out var key);
        encoded.CopyTo(key);
        CryptographicOperations.ZeroMemory(encoded);
        return material;
    }

    // No standard says it yet; draft-ietf-cose-sphincs-plus has these names.
    private protected override PublicJwk? JwkOfKey(byte[] key) => new("AKP") { Algorithm = _jwkName, Public = PublicJwk.Text(key) };

    private protected override void PublicOf(ReadOnlySpan<byte> privateKey, Span<byte> publicKey) =>
        privateKey[^publicKey.Length..].CopyTo(publicKey);

    /// <summary>The root that the key holds must be that of its seeds: only then is a signature valid.</summary>
    private protected override bool IsWhole(ReadOnlySpan<byte> key)
    {
        using var signs = OpenPrivate(key);
        using var verifies = OpenPublic(key[^(key.Length / 2)..]);
        var input = SignatureInput.Of(_schemes, new([]));
        return verifies.Verify(input, [], signs.Sign(input, []));
    }

    private protected override SignatureKey OpenPrivate(ReadOnlySpan<byte> key) => SlhDsaKey.Private(_parameters, key);

    private protected override SignatureKey OpenPublic(ReadOnlySpan<byte> key) => SlhDsaKey.Public(_parameters, key);
}

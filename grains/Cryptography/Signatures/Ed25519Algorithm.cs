using System.Formats.Asn1;
using System.Security.Cryptography;
using Org.BouncyCastle.Math.EC.Rfc8032;

namespace OrleansKms.Grains.Cryptography.Signatures;

/// <summary>Ed25519 and Ed25519ph (RFC 8032, 5.1; FIPS 186-5, 7) on BouncyCastle's implementation, since the platform has none.</summary>
/// <remarks>
/// A private key is a seed of 32 bytes (RFC 8410, 7), a signature has 64. BouncyCastle computes the secret scalar anew for each
/// signature, in memory that cannot be erased.
/// </remarks>
public sealed class Ed25519Algorithm() : RawKeyAlgorithm(Oid, Ed25519.SecretKeySize, Ed25519.PublicKeySize, Asn1Tag.PrimitiveOctetString)
{
    /// <summary>The object identifier (RFC 8410, 3).</summary>
    internal const string Oid = "1.3.101.112";

    /// <summary>Signs the message itself.</summary>
    internal static readonly SignatureScheme Pure = new("ED25519");

    /// <summary>Signs the message's SHA-512.</summary>
    internal static readonly SignatureScheme Prehashed = SignatureScheme.OfSha2("ED25519_PH", 512);

    private static readonly SignatureScheme[] _schemes = [Pure, Prehashed];
    private static readonly JwsAlgorithm[] _jws = [new("EdDSA", Pure)];

    /// <inheritdoc/>
    public override string Spec => "ED25519";

    /// <inheritdoc/>
    public override IReadOnlyList<SignatureScheme> Schemes => _schemes;

    /// <inheritdoc/>
    public override bool MakesDataKeyPairs => true;

    /// <inheritdoc/>
    public override IReadOnlyList<JwsAlgorithm> JwsAlgorithms => _jws;

    /// <inheritdoc/>
    public override ValueTask<SecretBytes> NewMaterial(CancellationToken cancellationToken = default)
    {
        var material = BeginMaterial(out var seed);
        RandomNumberGenerator.Fill(seed);
        return new(material);
    }

    private protected override PublicJwk? JwkOfKey(byte[] key) => new("OKP") { Curve = "Ed25519", Algorithm = "EdDSA", X = PublicJwk.Text(key) };

    private protected override void PublicOf(ReadOnlySpan<byte> privateKey, Span<byte> publicKey) => Ed25519.GeneratePublicKey(privateKey, publicKey);

    private protected override SignatureKey OpenPrivate(ReadOnlySpan<byte> key) => new Ed25519PrivateKey(key);

    private protected override SignatureKey OpenPublic(ReadOnlySpan<byte> key) => new Ed25519PublicKey(
        Ed25519.ValidatePublicKeyFullExport(key) ?? throw new CryptographicException("This is not a point of the right order."));
}

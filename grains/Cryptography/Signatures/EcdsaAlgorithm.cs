using System.Security.Cryptography;
using OrleansKms.Grains.Cryptography.Agreement;
using OrleansKms.Grains.Cryptography.Importing;

namespace OrleansKms.Grains.Cryptography.Signatures;

/// <summary>
/// ECDSA (FIPS 186-5, 6) on one curve, on the platform's implementation, whose nonces are random. A subclass names the curve and
/// its hash.
/// </summary>
public abstract class EcdsaAlgorithm : SignatureAlgorithm
{
    private static readonly KeyUsage[] _alsoAgrees = [KeyUsage.SignVerify, KeyUsage.KeyAgreement, KeyUsage.Jws];

    private readonly SignatureScheme[] _schemes;

    private protected EcdsaAlgorithm(int hashBits) =>
        _schemes = [SignatureScheme.OfSha2($"ECDSA_SHA_{hashBits}", hashBits) with { HasEncodings = true }];

    /// <inheritdoc/>
    public override IReadOnlyList<KeyUsage> Usages => Agrees ? _alsoAgrees : base.Usages;

    /// <inheritdoc/>
    public sealed override bool MakesDataKeyPairs => true;

    /// <inheritdoc/>
    public sealed override IReadOnlyList<SignatureScheme> Schemes => _schemes;

    /// <summary>Whether keys of the curve may be for ECDH instead: the curves of SP 800-56A.</summary>
    private protected virtual bool Agrees => true;

    /// <inheritdoc/>
    public sealed override IReadOnlyList<JwsAlgorithm> JwsAlgorithms => field ??= [new JwsAlgorithm(JwkNames.Algorithm, _schemes[0])];

    /// <summary>The curve's object identifier (RFC 5480, SEC 2).</summary>
    internal abstract string Oid { get; }

    /// <summary>The name of the curve and of its algorithm in JSON Web Keys (RFC 7518, 3.4 and 6.2.1.1; RFC 8812, 3).</summary>
    private protected abstract (string Curve, string Algorithm) JwkNames { get; }

    /// <summary>Length of a coordinate in bytes, which is also that of each half of a signature.</summary>
    internal abstract int FieldLength { get; }

    /// <summary>
    /// The curve's order, for a spec whose signatures have the lower of the two possible values of s, so that nobody can turn one
    /// into another; null for any.
    /// </summary>
    private protected virtual System.Numerics.BigInteger? LowBelowHalfOf => null;

    /// <inheritdoc/>
    public sealed override ValueTask<SecretBytes> NewMaterial(CancellationToken cancellationToken = default)
    {
        using var key = ECDsa.Create(ECCurve.CreateFromValue(Oid));
        return new(Pkcs8.Export(key));
    }

    /// <inheritdoc/>
    public sealed override bool Accepts(ReadOnlySpan<byte> material)
    {
        using var key = ECDsa.Create();
        return Pkcs8.TryImport(key, material) && IsOfCurve(key);
    }

    /// <inheritdoc/>
    public sealed override byte[]? PublicPart(ReadOnlySpan<byte> material)
    {
        using var key = ECDsa.Create();
        key.ImportPkcs8PrivateKey(material, out _);
        return key.ExportSubjectPublicKeyInfo();
    }

    /// <inheritdoc/>
    public sealed override PublicJwk? JwkOf(ReadOnlySpan<byte> publicPart)
    {
        using var key = ImportPublic(publicPart);
        var point = key.ExportParameters(includePrivateParameters: false).Q;
        return new("EC") { Curve = JwkNames.Curve, Algorithm = JwkNames.Algorithm, X = PublicJwk.Text(point.X), Y = PublicJwk.Text(point.Y) };
    }

    /// <inheritdoc/>
    public sealed override IReadOnlyList<string> AlgorithmNames(KeyUsage usage) =>
        usage == KeyUsage.KeyAgreement ? [] : base.AlgorithmNames(usage);

    /// <inheritdoc/>
    public sealed override IKeyVersion? OpenPublic(KeyUsage usage, int version, ReadOnlySpan<byte> publicPart) =>
        usage == KeyUsage.KeyAgreement ? null : base.OpenPublic(usage, version, publicPart);

    private protected sealed override IKeyVersion OpenCore(KeyUsage usage, string keyId, int version, ReadOnlySpan<byte> material) =>
        usage == KeyUsage.KeyAgreement
            ? new EcdhVersion(version, Oid, FieldLength, material)
            : base.OpenCore(usage, keyId, version, material);

    private protected sealed override SecretBytes? ImportCore(ReadOnlySpan<byte> material) => EcKeyImport.Private(material, Oid, FieldLength);

    private protected sealed override bool AcceptsPublic(ReadOnlySpan<byte> publicKey) => EcKeyImport.IsPublic(publicKey, Oid, FieldLength);

    private protected sealed override SignatureKey OpenPrivateKey(ReadOnlySpan<byte> material)
    {
        var key = ECDsa.Create();
        try
        {
            key.ImportPkcs8PrivateKey(material, out _);
            return new EcdsaKey(key, FieldLength, LowBelowHalfOf);
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }

    private protected sealed override SignatureKey OpenPublicKey(ReadOnlySpan<byte> publicPart) =>
        new EcdsaKey(ImportPublic(publicPart), FieldLength, LowBelowHalfOf);

    private ECDsa ImportPublic(ReadOnlySpan<byte> publicPart)
    {
        var key = ECDsa.Create();
        try
        {
            key.ImportSubjectPublicKeyInfo(publicPart, out var read);
            return read == publicPart.Length && IsOfCurve(key)
                ? key
                : throw new CryptographicException($"This is not a public key of {Spec}.");
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }

    private bool IsOfCurve(ECDsa key)
    {
        var curve = key.ExportParameters(includePrivateParameters: false).Curve;
        return curve.IsNamed && curve.Oid.Value == Oid;
    }
}

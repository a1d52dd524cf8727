using System.Formats.Asn1;
using System.Security.Cryptography;
using Net.Pkcs11Interop.Common;
using OrleansKms.Grains.Cryptography.Signatures;
using OrleansKms.Grains.Hsm;

namespace OrleansKms.Grains.Providers;

/// <summary>
/// ECDSA by CKM_ECDSA (PKCS#11 v2.40, 2.3.1) of digests made here; the token's signatures are r and s side by side. Their nonces are the
/// token's affair.
/// </summary>
/// <param name="algorithm">The algorithm of the curve.</param>
internal sealed class HsmEcdsa(EcdsaAlgorithm algorithm)
    : HsmSigning(algorithm, CKK.CKK_EC, CKM.CKM_EC_KEY_PAIR_GEN, nameof(CKM.CKM_EC_KEY_PAIR_GEN))
{
    private static readonly TokenSigning _ecdsa = TokenSigning.By(CKM.CKM_ECDSA);

    /// <inheritdoc/>
    protected override int SignatureLength => 2 * algorithm.FieldLength;

    /// <inheritdoc/>
    internal override byte[] Encoded(byte[] signature, SignatureEncoding encoding) =>
        encoding == SignatureEncoding.Der ? EcdsaEncoding.ToDer(signature) : signature;

    /// <inheritdoc/>
    protected override TokenSigning By(SignatureScheme scheme) => _ecdsa;

    /// <inheritdoc/>
    protected override Pkcs11Template AddTo(Pkcs11Template publicKey, HsmProof way) =>
        publicKey.Add(CKA.CKA_EC_PARAMS, EcPoint.CurveOid(algorithm.Oid));

    /// <inheritdoc/>
    protected override byte[] ReadPublic(HsmSession session, ulong key)
    {
        var point = EcPoint.Unwrap(Required(session, key, CKA.CKA_EC_POINT), 1 + (2 * algorithm.FieldLength));
        if (point[0] != EcPoint.Uncompressed)
        {
            throw new CryptographicException("The point is not uncompressed.");
        }

        using var ecdsa = ECDsa.Create(new ECParameters
        {
            Curve = ECCurve.CreateFromValue(algorithm.Oid),
            Q = new() { X = point[1..(1 + algorithm.FieldLength)], Y = point[(1 + algorithm.FieldLength)..] },
        });
        return ecdsa.ExportSubjectPublicKeyInfo();
    }
}

/// <summary>How tokens name curves and show points.</summary>
internal static class EcPoint
{
    /// <summary>The first byte of an uncompressed point (SEC 1, 2.3.3).</summary>
    public const byte Uncompressed = 4;

    /// <summary>CKA_EC_PARAMS that name a curve by its object identifier.</summary>
    public static byte[] CurveOid(string oid)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        writer.WriteObjectIdentifier(oid);
        return writer.Encode();
    }

    /// <summary>CKA_EC_PARAMS that name a curve in words (PKCS#11 v3.0, 2.3.5).</summary>
    public static byte[] CurveName(string name)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        writer.WriteCharacterString(UniversalTagNumber.PrintableString, name);
        return writer.Encode();
    }

    /// <summary>
    /// The point in CKA_EC_POINT: v2.40 wants an octet string in DER, and some tokens show what is in it, as v3.0 does for Edwards curves.
    /// </summary>
    /// <exception cref="CryptographicException">It is neither.</exception>
    public static byte[] Unwrap(byte[] shown, int length)
    {
        if (shown.Length == length)
        {
            return shown;
        }

        try
        {
            var point = AsnDecoder.ReadOctetString(shown, AsnEncodingRules.DER, out var read);
            return point.Length == length && read == shown.Length ? point : throw new CryptographicException("The point has another length.");
        }
        catch (AsnContentException e)
        {
            throw new CryptographicException("The point is not an octet string.", e);
        }
    }
}

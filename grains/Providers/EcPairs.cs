using System.Security.Cryptography;
using Net.Pkcs11Interop.Common;
using OrleansKms.Grains.Cryptography.Signatures;
using OrleansKms.Grains.Hsm;

namespace OrleansKms.Grains.Providers;

/// <summary>Pairs on a curve of NIST (PKCS#11 v2.40, 2.3.3).</summary>
/// <param name="curve">The algorithm of the curve.</param>
internal sealed class EcPairs(EcdsaAlgorithm curve) : HsmPairs(CKK.CKK_EC, CKM.CKM_EC_KEY_PAIR_GEN, nameof(CKM.CKM_EC_KEY_PAIR_GEN))
{
    /// <inheritdoc/>
    public override byte[] ReadPublic(HsmSession session, ulong key)
    {
        var point = EcPoint.Unwrap(Required(session, key, CKA.CKA_EC_POINT), 1 + (2 * curve.FieldLength));
        if (point[0] != EcPoint.Uncompressed)
        {
            throw new CryptographicException("The point is not uncompressed.");
        }

        using var ecdsa = ECDsa.Create(new ECParameters
        {
            Curve = ECCurve.CreateFromValue(curve.Oid),
            Q = new() { X = point[1..(1 + curve.FieldLength)], Y = point[(1 + curve.FieldLength)..] },
        });
        return ecdsa.ExportSubjectPublicKeyInfo();
    }

    /// <inheritdoc/>
    protected override Pkcs11Template AddTo(Pkcs11Template publicKey, HsmProof way) =>
        publicKey.Add(CKA.CKA_EC_PARAMS, EcPoint.CurveOid(curve.Oid));
}

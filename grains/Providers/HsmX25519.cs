using Net.Pkcs11Interop.Common;
using OrleansKms.Grains.Cryptography.Agreement;

namespace OrleansKms.Grains.Providers;

/// <summary>
/// X25519: keys on Montgomery curves (PKCS#11 v3.0, 2.3.7), or, as SoftHSM has them, of the type of Edwards keys with the curve's own name.
/// </summary>
internal sealed class HsmX25519() : HsmAgreement(_algorithm, _montgomery, _edwards)
{
    private static readonly X25519Algorithm _algorithm = new();

    // Of v3.0, which the library does not name.
    private static readonly StringPairs _montgomery = new(
        (CKK)0x41, (CKM)0x1056, "CKM_EC_MONTGOMERY_KEY_PAIR_GEN",
        [EcPoint.CurveOid(X25519Algorithm.Oid), EcPoint.CurveName("curve25519")],
        X25519Algorithm.KeyLength, X25519Algorithm.PublicInfo);

    private static readonly StringPairs _edwards = new(
        Edwards.Type, Edwards.Maker, Edwards.MakerName, [EcPoint.CurveOid(X25519Algorithm.Oid)],
        X25519Algorithm.KeyLength, X25519Algorithm.PublicInfo);

    /// <inheritdoc/>
    internal override int SecretLength => X25519Algorithm.KeyLength;

    /// <inheritdoc/>
    internal override byte[]? PointOf(ReadOnlySpan<byte> publicKey) => X25519Algorithm.SoundKeyIn(publicKey);
}

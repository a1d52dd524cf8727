using Net.Pkcs11Interop.Common;
using OrleansKms.Grains.Cryptography.Signatures;
using OrleansKms.Grains.Hsm;

namespace OrleansKms.Grains.Providers;

/// <summary>
/// Ed25519 by CKM_EDDSA without parameters (PKCS#11 v3.0, 2.3.14): of the message itself. Ed25519ph is not offered: v3.0 does not say
/// whether a token hashes the message for it, and tokens differ.
/// </summary>
internal sealed class HsmEd25519() : HsmSigning(_algorithm, _pairs)
{
    private const int PointLength = 32;

    // Of v3.0, which the library does not name.
    private const CKM Eddsa = (CKM)0x1057;

    private static readonly Ed25519Algorithm _algorithm = new();

    private static readonly StringPairs _pairs = new(
        Edwards.Type, Edwards.Maker, Edwards.MakerName, [EcPoint.CurveOid(Ed25519Algorithm.Oid), EcPoint.CurveName("edwards25519")], PointLength,
        point => _algorithm.PublicInfo(point));

    private static readonly SignatureScheme[] _schemes = [Ed25519Algorithm.Pure];
    private static readonly TokenSigning _eddsa = TokenSigning.By(Eddsa, "CKM_EDDSA");

    /// <inheritdoc/>
    public override IReadOnlyList<SignatureScheme> Schemes => _schemes;

    /// <inheritdoc/>
    protected override int SignatureLength => 64;

    /// <inheritdoc/>
    protected override bool SignsMessages => true;

    /// <inheritdoc/>
    protected override TokenSigning By(SignatureScheme scheme) => _eddsa;
}

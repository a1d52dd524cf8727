using System.Security.Cryptography;
using Net.Pkcs11Interop.Common;
using Org.BouncyCastle.Asn1;
using Org.BouncyCastle.Asn1.Nist;
using Org.BouncyCastle.Asn1.X509;
using OrleansKms.Grains.Cryptography.Signatures;
using OrleansKms.Grains.Hsm;

namespace OrleansKms.Grains.Providers;

/// <summary>
/// RSA by CKM_RSA_PKCS_PSS and CKM_RSA_PKCS (PKCS#11 v2.40, 2.1.10 and 2.1.6), of digests made here. One proof, with a key of 2,048 bits,
/// is that of all sizes, together with the length that the token says it makes: keys of 4,096 bits take seconds. Every key that is made
/// signs once before it is taken.
/// </summary>
/// <param name="bits">Length of the modulus.</param>
internal sealed class HsmRsa(int bits) : HsmSigning(new RsaAlgorithm(bits), new RsaPairs(bits))
{
    private static readonly TokenSigning _pkcs1 = TokenSigning.By(CKM.CKM_RSA_PKCS);
    private static readonly Dictionary<int, TokenSigning> _pss = new[] { 256, 384, 512 }.ToDictionary(hash => hash, TokenSigning.ByPss);

    private static readonly Dictionary<int, DerObjectIdentifier> _hashes = new()
    {
        [256] = NistObjectIdentifiers.IdSha256,
        [384] = NistObjectIdentifiers.IdSha384,
        [512] = NistObjectIdentifiers.IdSha512,
    };

    /// <summary>RSA with 2,048 bits.</summary>
    public static HsmRsa Of2048 { get; } = new(2048);

    /// <summary>RSA with 3,072 bits.</summary>
    public static HsmRsa Of3072 { get; } = new(3072);

    /// <summary>RSA with 4,096 bits.</summary>
    public static HsmRsa Of4096 { get; } = new(4096);

    /// <inheritdoc/>
    public override HsmMechanism ProvenBy => Of2048;

    /// <inheritdoc/>
    protected override int SignatureLength => bits / 8;

    /// <inheritdoc/>
    protected override TokenSigning By(SignatureScheme scheme) => IsPss(scheme) ? _pss[scheme.DigestLength * 8] : _pkcs1;

    /// <summary>CKM_RSA_PKCS pads a DigestInfo (RFC 8017, 9.2), which is made here.</summary>
    protected override byte[] Prepared(SignatureScheme scheme, byte[] signed) => IsPss(scheme)
        ? signed
        : new DigestInfo(new AlgorithmIdentifier(_hashes[scheme.DigestLength * 8], DerNull.Instance), signed).GetDerEncoded();

    private static bool IsPss(SignatureScheme scheme) => ((RsaScheme)scheme).Padding == RSASignaturePadding.Pss;
}

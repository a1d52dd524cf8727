using System.Security.Cryptography;
using Net.Pkcs11Interop.Common;
using OrleansKms.Grains.Hsm;

namespace OrleansKms.Grains.Providers;

/// <summary>Pairs of RSA with the public exponent 65537 (PKCS#11 v2.40, 2.1.4).</summary>
/// <param name="bits">Length of the modulus.</param>
internal sealed class RsaPairs(int bits) : HsmPairs(CKK.CKK_RSA, CKM.CKM_RSA_PKCS_KEY_PAIR_GEN, nameof(CKM.CKM_RSA_PKCS_KEY_PAIR_GEN))
{
    private static readonly byte[] _exponent = [1, 0, 1];

    /// <inheritdoc/>
    public override bool IsSlow => true;

    /// <inheritdoc/>
    public override IEnumerable<HsmProof> Ways(HsmSession session) =>
        [new() { Type = Type, LongestKey = session.LargestKey(CKM.CKM_RSA_PKCS_KEY_PAIR_GEN) ?? ulong.MaxValue }];

    /// <inheritdoc/>
    public override string? WhyNot(HsmProof proof) => proof.LongestKey < (ulong)bits
        ? FormattableString.Invariant($"CKM_RSA_PKCS_KEY_PAIR_GEN makes keys of up to {proof.LongestKey} bits")
        : null;

    /// <inheritdoc/>
    public override byte[] ReadPublic(HsmSession session, ulong key)
    {
        var exponent = Required(session, key, CKA.CKA_PUBLIC_EXPONENT).AsSpan().TrimStart((byte)0);
        if (!exponent.SequenceEqual(_exponent))
        {
            throw new CryptographicException("The public exponent is not the one requested.");
        }

        var modulus = Required(session, key, CKA.CKA_MODULUS).AsSpan().TrimStart((byte)0).ToArray();
        using var rsa = RSA.Create(new RSAParameters { Modulus = modulus, Exponent = _exponent });
        return rsa.ExportSubjectPublicKeyInfo();
    }

    /// <inheritdoc/>
    protected override Pkcs11Template AddTo(Pkcs11Template publicKey, HsmProof way) =>
        publicKey.Add(CKA.CKA_MODULUS_BITS, (ulong)bits).Add(CKA.CKA_PUBLIC_EXPONENT, _exponent);
}

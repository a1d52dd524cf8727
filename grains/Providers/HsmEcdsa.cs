using Net.Pkcs11Interop.Common;
using OrleansKms.Grains.Cryptography.Signatures;
using OrleansKms.Grains.Hsm;

namespace OrleansKms.Grains.Providers;

/// <summary>
/// ECDSA by CKM_ECDSA (PKCS#11 v2.40, 2.3.1) of digests made here; the token's signatures are r and s side by side. Their nonces are the
/// token's affair.
/// </summary>
/// <param name="algorithm">The algorithm of the curve.</param>
internal sealed class HsmEcdsa(EcdsaAlgorithm algorithm) : HsmSigning(algorithm, new EcPairs(algorithm))
{
    private static readonly TokenSigning _ecdsa = TokenSigning.By(CKM.CKM_ECDSA);

    /// <inheritdoc/>
    protected override int SignatureLength => 2 * algorithm.FieldLength;

    /// <inheritdoc/>
    internal override byte[] Encoded(byte[] signature, SignatureEncoding encoding) =>
        encoding == SignatureEncoding.Der ? EcdsaEncoding.ToDer(signature) : signature;

    /// <inheritdoc/>
    protected override TokenSigning By(SignatureScheme scheme) => _ecdsa;
}

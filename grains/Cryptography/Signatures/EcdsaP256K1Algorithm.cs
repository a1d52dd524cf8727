using System.Globalization;
using System.Numerics;

namespace OrleansKms.Grains.Cryptography.Signatures;

/// <summary>
/// ECDSA on secp256k1 (SEC 2, 2.4.1) with SHA-256. A signature has 64 bytes in P1363. Signatures have, and must have, the lower s, as
/// those who use this curve require (BIP 62, EIP-2).
/// </summary>
public sealed class EcdsaP256K1Algorithm() : EcdsaAlgorithm(hashBits: 256)
{
    /// <inheritdoc/>
    public override string Spec => "ECC_SECG_P256K1";

    private protected override bool Agrees => false;

    internal override string Oid => "1.3.132.0.10";

    private protected override (string Curve, string Algorithm) JwkNames => ("secp256k1", "ES256K");

    internal override int FieldLength => 32;

    private protected override BigInteger? LowBelowHalfOf { get; } =
        BigInteger.Parse("00FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141", NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}

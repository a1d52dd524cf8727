namespace OrleansKms.Grains.Cryptography.Signatures;

/// <summary>ECDSA on P-384 (SP 800-186, 3.2.1.4) with SHA-384. A signature has 96 bytes in P1363.</summary>
public sealed class EcdsaP384Algorithm() : EcdsaAlgorithm(hashBits: 384)
{
    /// <inheritdoc/>
    public override string Spec => "ECC_NIST_P384";

    internal override string Oid => "1.3.132.0.34";

    private protected override (string Curve, string Algorithm) JwkNames => ("P-384", "ES384");

    internal override int FieldLength => 48;
}

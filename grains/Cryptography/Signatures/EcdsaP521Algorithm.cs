namespace OrleansKms.Grains.Cryptography.Signatures;

/// <summary>ECDSA on P-521 (SP 800-186, 3.2.1.5) with SHA-512. A signature has 132 bytes in P1363.</summary>
public sealed class EcdsaP521Algorithm() : EcdsaAlgorithm(hashBits: 512)
{
    /// <inheritdoc/>
    public override string Spec => "ECC_NIST_P521";

    internal override string Oid => "1.3.132.0.35";

    private protected override (string Curve, string Algorithm) JwkNames => ("P-521", "ES512");

    internal override int FieldLength => 66;
}

namespace OrleansKms.Grains.Cryptography.Signatures;

/// <summary>ECDSA on P-256 (SP 800-186, 3.2.1.3) with SHA-256. A signature has 64 bytes in P1363.</summary>
public sealed class EcdsaP256Algorithm() : EcdsaAlgorithm(hashBits: 256)
{
    /// <inheritdoc/>
    public override string Spec => "ECC_NIST_P256";

    internal override string Oid => "1.2.840.10045.3.1.7";

    private protected override (string Curve, string Algorithm) JwkNames => ("P-256", "ES256");

    internal override int FieldLength => 32;
}

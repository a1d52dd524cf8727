namespace OrleansKms.Grains.Cryptography.Importing;

/// <summary>Material from outside that was checked.</summary>
/// <param name="Secret">The material as <see cref="KeyAlgorithm.Open"/> takes it; null for a public key alone.</param>
/// <param name="PublicPart">The public part (SubjectPublicKeyInfo, DER); null for a spec that has none.</param>
public sealed record ImportedMaterial(SecretBytes? Secret, byte[]? PublicPart) : IDisposable
{
    /// <summary>Zeroes the secret.</summary>
    public void Dispose() => Secret?.Dispose();
}

using OrleansKms.Grains.Cryptography;

namespace OrleansKms.Grains.Providers;

/// <summary>What a provider made for a version.</summary>
/// <param name="Kept">What to seal and keep so that the version can be opened again: the material itself, or where it is.</param>
/// <param name="PublicPart">The public part (SubjectPublicKeyInfo, DER); null for a spec that has none.</param>
public sealed record GeneratedVersion(SecretBytes Kept, byte[]? PublicPart) : IDisposable
{
    /// <summary>Zeroes the kept bytes.</summary>
    public void Dispose() => Kept.Dispose();
}

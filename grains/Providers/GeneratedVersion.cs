using OrleansKms.Grains.Cryptography;

namespace OrleansKms.Grains.Providers;

/// <summary>What a provider has made for a version.</summary>
/// <param name="Kept">What has to be sealed and kept to open the version again: the material itself, or where it is.</param>
/// <param name="PublicPart">The public part (SubjectPublicKeyInfo, DER); null for a spec that has none.</param>
public sealed record GeneratedVersion(SecretBytes Kept, byte[]? PublicPart) : IDisposable
{
    /// <summary>Zeroes what is kept.</summary>
    public void Dispose() => Kept.Dispose();
}

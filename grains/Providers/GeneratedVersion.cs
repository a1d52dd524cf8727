using OrleansKms.Grains.Cryptography;

namespace OrleansKms.Grains.Providers;

/// <summary>What a provider made for a version.</summary>
/// <param name="Kept">What to seal and keep so that the version can be opened again: the material itself, or where it is.</param>
/// <param name="PublicPart">The public part (SubjectPublicKeyInfo, DER); null for a spec that has none.</param>
public sealed record GeneratedVersion(SecretBytes Kept, byte[]? PublicPart) : IDisposable
{
    /// <summary>The version for which it was made, whose name is in it; null where it serves any.</summary>
    public KeyVersionName? For { get; init; }

    /// <summary>Begins to destroy what the provider holds; null where that is nothing.</summary>
    internal Action? OnAbandon { get; init; }

    /// <summary>No version takes it: zeroes the kept bytes and begins to destroy what the provider holds.</summary>
    public void Abandon()
    {
        OnAbandon?.Invoke();
        Dispose();
    }

    /// <summary>Zeroes the kept bytes.</summary>
    public void Dispose() => Kept.Dispose();
}

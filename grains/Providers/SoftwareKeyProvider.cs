using System.Security.Cryptography;
using OrleansKms.Grains.Cryptography;

namespace OrleansKms.Grains.Providers;

/// <summary>Keys in this process. It answers at once.</summary>
internal sealed class SoftwareKeyProvider : IKeyProvider
{
    /// <inheritdoc/>
    public KeyProtection Protection => KeyProtection.Software;

    /// <inheritdoc/>
    public bool AnswersAtOnce => true;

    /// <inheritdoc/>
    public int Parallelism => 1;

    /// <inheritdoc/>
    public ValueTask<string?> WhyUnsupported(KeyAlgorithm algorithm, KeyUsage usage, CancellationToken cancellationToken = default) => default;

    /// <inheritdoc/>
    public async ValueTask<GeneratedVersion> Generate(
        KeyAlgorithm algorithm, KeyUsage usage, KeyVersionName name, CancellationToken cancellationToken = default)
    {
        var material = await algorithm.NewMaterial(cancellationToken);
        try
        {
            return new(material, algorithm.PublicPart(material.Span));
        }
        catch
        {
            material.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public IKeyVersion Open(KeyAlgorithm algorithm, KeyUsage usage, KeyVersionName name, ReadOnlySpan<byte> kept, byte[]? publicPart = null)
    {
        try
        {
            return algorithm.Open(usage, name.KeyId, name.Version, kept);
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            throw KmsError.KeyCorrupted.Exception();
        }
    }

    /// <inheritdoc/>
    public ValueTask Destroy(KeyVersionName name) => ValueTask.CompletedTask;
}

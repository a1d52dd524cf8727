using System.Security.Cryptography;

namespace OrleansKms.Grains.Cryptography.Encapsulation;

/// <summary>A key of ML-KEM on the platform's implementation.</summary>
/// <param name="key">The key, which this disposes.</param>
internal sealed class PlatformMlKemKey(MLKem key) : KemKey
{
    /// <inheritdoc/>
    public override void Encapsulate(Span<byte> ciphertext, Span<byte> secret) => key.Encapsulate(ciphertext, secret);

    /// <inheritdoc/>
    public override void Decapsulate(ReadOnlySpan<byte> ciphertext, Span<byte> secret) => key.Decapsulate(ciphertext, secret);

    /// <inheritdoc/>
    public override void Dispose() => key.Dispose();
}

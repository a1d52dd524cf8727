using System.Security.Cryptography;
using OrleansKms.Grains.Cryptography;

namespace OrleansKms.Grains.Audit;

/// <summary>
/// HMAC-SHA-256 of associated data under a key of the service, so that records with equal associated data can be found without revealing
/// it. Thread-safe.
/// </summary>
/// <param name="key">32 bytes; disposed with this instance.</param>
internal sealed class AssociatedDataMac(SecretBytes key) : IDisposable
{
    /// <summary>Length of the tag in bytes.</summary>
    public const int Length = HMACSHA256.HashSizeInBytes;

    /// <summary>Computes the tag.</summary>
    public void Compute(ReadOnlySpan<byte> associatedData, Span<byte> tag) => HMACSHA256.HashData(key.Span, associatedData, tag);

    /// <inheritdoc/>
    public void Dispose() => key.Dispose();
}

using System.Security.Cryptography;

namespace OrleansKms.Grains.Cryptography.Macs;

/// <summary>A key of HMAC on the platform's implementation, which is keyed once and serves every message.</summary>
internal sealed class PlatformHmacKey(HashAlgorithmName hash, ReadOnlySpan<byte> key) : MacKey
{
    private readonly IncrementalHash _hmac = IncrementalHash.CreateHMAC(hash, key);

    /// <inheritdoc/>
    public override void Compute(ReadOnlySpan<byte> message, Span<byte> mac)
    {
        _hmac.AppendData(message);
        _hmac.GetHashAndReset(mac);
    }

    /// <inheritdoc/>
    public override void Dispose() => _hmac.Dispose();
}

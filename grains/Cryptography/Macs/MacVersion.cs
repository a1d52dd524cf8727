using System.Security.Cryptography;

namespace OrleansKms.Grains.Cryptography.Macs;

/// <summary>One version of a key for MACs in this process. Not thread-safe.</summary>
/// <param name="version">The key version; 1 or more.</param>
/// <param name="macLength">Length of a MAC in bytes.</param>
/// <param name="key">Its key, which this disposes.</param>
internal sealed class MacVersion(int version, int macLength, MacKey key) : IMacs
{
    private const int MaxMacLength = 64;

    /// <inheritdoc/>
    public int Version => version;

    /// <inheritdoc/>
    public bool IsAvailable => true;

    /// <inheritdoc/>
    public int MacLength => macLength;

    /// <inheritdoc/>
    public bool MacsAtOnce => true;

    /// <inheritdoc/>
    public ValueTask<byte[]> Mac(ReadOnlyMemory<byte> message)
    {
        var mac = new byte[macLength];
        key.Compute(message.Span, mac);
        return new(mac);
    }

    /// <inheritdoc/>
    public ValueTask<bool> VerifyMac(ReadOnlyMemory<byte> message, ReadOnlyMemory<byte> mac)
    {
        // What it should have been is a MAC that the caller could not make: it is not left on the stack.
        Span<byte> expected = stackalloc byte[MaxMacLength];
        expected = expected[..macLength];
        key.Compute(message.Span, expected);
        var isEqual = CryptographicOperations.FixedTimeEquals(expected, mac.Span);
        CryptographicOperations.ZeroMemory(expected);
        return new(isEqual);
    }

    /// <summary>Erases the key.</summary>
    public void Dispose() => key.Dispose();
}

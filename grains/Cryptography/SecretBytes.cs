using System.Security.Cryptography;

namespace OrleansKms.Grains.Cryptography;

/// <summary>
/// Secret bytes with one owner: pinned, so that the collector leaves no copies behind, and zeroed when disposed. They do not
/// print and are not serialisable.
/// </summary>
public sealed class SecretBytes : IDisposable
{
    private readonly byte[] _bytes;
    private bool _disposed;

    /// <summary>Allocates a secret, all zeros.</summary>
    /// <param name="length">Its length in bytes.</param>
    public SecretBytes(int length) => _bytes = GC.AllocateArray<byte>(length, pinned: true);

    /// <summary>The secret's length in bytes.</summary>
    public int Length => _bytes.Length;

    /// <summary>The secret, to be read or filled in place; do not copy it to memory that nobody zeroes.</summary>
    public Span<byte> Span
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _bytes;
        }
    }

    /// <summary>A new random secret.</summary>
    /// <param name="length">Its length in bytes.</param>
    public static SecretBytes Random(int length)
    {
        var secret = new SecretBytes(length);
        RandomNumberGenerator.Fill(secret.Span);
        return secret;
    }

    /// <summary>A copy of a secret.</summary>
    /// <param name="bytes">The secret; its owner zeroes it.</param>
    public static SecretBytes CopyOf(ReadOnlySpan<byte> bytes)
    {
        var secret = new SecretBytes(bytes.Length);
        bytes.CopyTo(secret.Span);
        return secret;
    }

    /// <summary>Zeroes the secret.</summary>
    public void Dispose()
    {
        _disposed = true;
        CryptographicOperations.ZeroMemory(_bytes);
    }

    /// <summary>Never the secret.</summary>
    public override string ToString() => "[secret]";
}

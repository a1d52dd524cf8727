using System.Buffers;
using System.Security.Cryptography;
using System.Text;

namespace OrleansKms.Gateway.Access;

/// <summary>
/// Compares a token with a hash. Only the SHA-256 of a token is ever stored here. Comparing hashes in constant time reveals nothing about
/// the token: the time does not depend on how much of it was right.
/// </summary>
internal static class TokenHash
{
    private const int MaxTokenLength = 256;

    /// <summary>Whether this is the token's hash.</summary>
    /// <param name="token">What the client sent; untrusted.</param>
    /// <param name="expected">SHA-256 of the right token; 32 bytes.</param>
    public static bool Matches(ReadOnlySpan<char> token, ReadOnlySpan<byte> expected)
    {
        if (token.Length is 0 or > MaxTokenLength)
        {
            return false;
        }

        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        Compute(token, hash);
        return CryptographicOperations.FixedTimeEquals(hash, expected);
    }

    /// <summary>Computes a token's SHA-256.</summary>
    /// <param name="token">What the client sent; untrusted.</param>
    /// <param name="hash">Receives the hash; 32 bytes.</param>
    public static void Compute(ReadOnlySpan<char> token, Span<byte> hash)
    {
        const int MaxOnStack = MaxTokenLength * 3;
        var most = Encoding.UTF8.GetMaxByteCount(token.Length);
        var rented = token.Length > MaxTokenLength ? ArrayPool<byte>.Shared.Rent(most) : null;
        Span<byte> bytes = rented ?? stackalloc byte[MaxOnStack];
        var length = Encoding.UTF8.GetBytes(token, bytes);
        SHA256.HashData(bytes[..length], hash);
        CryptographicOperations.ZeroMemory(bytes[..length]);
        if (rented is not null) ArrayPool<byte>.Shared.Return(rented);
    }
}

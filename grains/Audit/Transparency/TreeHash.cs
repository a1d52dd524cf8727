using System.Runtime.Intrinsics;
using System.Security.Cryptography;

namespace OrleansKms.Grains.Audit.Transparency;

/// <summary>
/// A Merkle tree hash (RFC 6962, section 2.1): SHA-256 with a first byte that distinguishes leaves from nodes, so that neither passes for
/// the other.
/// </summary>
internal readonly struct TreeHash : IEquatable<TreeHash>
{
    /// <summary>Length in bytes.</summary>
    public const int Length = SHA256.HashSizeInBytes;

    [ThreadStatic]
    private static TreeHasher? _ofThread;

    private readonly Vector256<byte> _bytes;

    /// <summary>Reads a hash from the first 32 bytes.</summary>
    public TreeHash(ReadOnlySpan<byte> bytes) => _bytes = Vector256.Create(bytes[..Length]);

    /// <summary>The root of an empty tree: the hash of the empty string.</summary>
    public static TreeHash Empty { get; } = new(SHA256.HashData(ReadOnlySpan<byte>.Empty));

    /// <summary>The hash of an entry.</summary>
    public static TreeHash OfLeaf(ReadOnlySpan<byte> entry) => (_ofThread ??= new()).OfLeaf(entry);

    /// <summary>The hash of the node above two others.</summary>
    public static TreeHash OfNode(TreeHash left, TreeHash right) => (_ofThread ??= new()).OfNode(left, right);

    /// <summary>Parses a hash in base64; false for anything else, including a non-canonical encoding.</summary>
    public static bool TryParse(ReadOnlySpan<char> base64, out TreeHash hash)
    {
        Span<byte> bytes = stackalloc byte[Length];
        if (base64.Length != 44 || !Convert.TryFromBase64Chars(base64, bytes, out var written) || written != Length)
        {
            hash = default;
            return false;
        }

        hash = new(bytes);
        return base64.SequenceEqual(hash.ToString());
    }

    /// <summary>Copies the hash to the first 32 bytes.</summary>
    public void CopyTo(Span<byte> destination) => _bytes.CopyTo(destination);

    /// <inheritdoc/>
    public bool Equals(TreeHash other) => _bytes == other._bytes;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is TreeHash other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => _bytes.GetHashCode();

    /// <summary>The hash in base64, in C2SP's format.</summary>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[Length];
        CopyTo(bytes);
        return Convert.ToBase64String(bytes);
    }

    public static bool operator ==(TreeHash left, TreeHash right) => left.Equals(right);

    public static bool operator !=(TreeHash left, TreeHash right) => !left.Equals(right);
}

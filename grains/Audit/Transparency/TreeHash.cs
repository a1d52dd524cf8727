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

    private const byte LeafPrefix = 0;
    private const byte NodePrefix = 1;
    private const int MaxOnStack = 1024;

    private readonly Vector256<byte> _bytes;

    /// <summary>Reads a hash from the first 32 bytes.</summary>
    public TreeHash(ReadOnlySpan<byte> bytes) => _bytes = Vector256.Create(bytes[..Length]);

    /// <summary>The root of an empty tree: the hash of the empty string.</summary>
    public static TreeHash Empty { get; } = new(SHA256.HashData(ReadOnlySpan<byte>.Empty));

    /// <summary>The hash of an entry.</summary>
    public static TreeHash OfLeaf(ReadOnlySpan<byte> entry)
    {
        Span<byte> hash = stackalloc byte[Length];
        if (entry.Length < MaxOnStack)
        {
            Span<byte> prefixed = stackalloc byte[MaxOnStack];
            prefixed[0] = LeafPrefix;
            entry.CopyTo(prefixed[1..]);
            SHA256.HashData(prefixed[..(entry.Length + 1)], hash);
        }
        else
        {
            using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            sha.AppendData([LeafPrefix]);
            sha.AppendData(entry);
            sha.GetHashAndReset(hash);
        }

        return new(hash);
    }

    /// <summary>The hash of the node above two others.</summary>
    public static TreeHash OfNode(TreeHash left, TreeHash right)
    {
        Span<byte> prefixed = stackalloc byte[1 + (2 * Length)];
        prefixed[0] = NodePrefix;
        left.CopyTo(prefixed[1..]);
        right.CopyTo(prefixed[(1 + Length)..]);
        Span<byte> hash = stackalloc byte[Length];
        SHA256.HashData(prefixed, hash);
        return new(hash);
    }

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

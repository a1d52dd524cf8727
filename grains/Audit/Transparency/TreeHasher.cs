using System.Security.Cryptography;

namespace OrleansKms.Grains.Audit.Transparency;

/// <summary>Hashes leaves and nodes. A thread reuses one state, since creating one takes as long as hashing a short record.</summary>
#pragma warning disable CA1001 // One for each thread, for as long as that lives.
internal sealed class TreeHasher
#pragma warning restore CA1001
{
    private const byte LeafPrefix = 0;
    private const byte NodePrefix = 1;

    private readonly SHA256 _sha = SHA256.Create();
    private readonly byte[] _hash = new byte[TreeHash.Length];
    private byte[] _prefixed = new byte[1024];

    /// <summary>The hash of an entry.</summary>
    public TreeHash OfLeaf(ReadOnlySpan<byte> entry)
    {
        if (_prefixed.Length <= entry.Length)
        {
            _prefixed = new byte[2 * entry.Length];
        }

        _prefixed[0] = LeafPrefix;
        entry.CopyTo(_prefixed.AsSpan(1));
        return Hash(1 + entry.Length);
    }

    /// <summary>The hash of the node above two others.</summary>
    public TreeHash OfNode(TreeHash left, TreeHash right)
    {
        _prefixed[0] = NodePrefix;
        left.CopyTo(_prefixed.AsSpan(1));
        right.CopyTo(_prefixed.AsSpan(1 + TreeHash.Length));
        return Hash(1 + (2 * TreeHash.Length));
    }

    private TreeHash Hash(int length)
    {
        _sha.TryComputeHash(_prefixed.AsSpan(0, length), _hash, out _);
        return new(_hash);
    }
}

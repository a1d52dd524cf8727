using System.Numerics;

namespace OrleansKms.Grains.Audit.Transparency;

/// <summary>Supplies the hashes of complete subtrees.</summary>
internal interface ISubtrees
{
    /// <summary>The hash over the entries from <c>index · 2^height</c> up to but excluding <c>(index + 1) · 2^height</c>.</summary>
    /// <exception cref="InvalidDataException">The hash is missing.</exception>
    TreeHash Subtree(int height, long index);
}

/// <summary>Roots and proofs of a Merkle tree: RFC 6962, sections 2.1 to 2.1.2; their verification: RFC 9162, section 2.1.</summary>
internal static class MerkleTree
{
    /// <summary>The root of the first <paramref name="size"/> entries.</summary>
    public static TreeHash Root(ISubtrees tree, long size) => size == 0 ? TreeHash.Empty : Hash(tree, 0, size);

    /// <summary>The hashes from an entry to the root, the entry's sibling first.</summary>
    public static List<TreeHash> InclusionProof(ISubtrees tree, long index, long size)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, size);
        var proof = new List<TreeHash>();
        for (var (start, end) = (0L, size); end - start > 1;)
        {
            var middle = start + Split(end - start);
            var isLeft = index < middle;
            proof.Add(isLeft ? Hash(tree, middle, end) : Hash(tree, start, middle));
            (start, end) = isLeft ? (start, middle) : (middle, end);
        }

        proof.Reverse();
        return proof;
    }

    /// <summary>
    /// The hashes proving that the first <paramref name="oldSize"/> entries are unchanged in the tree of <paramref name="size"/>.
    /// </summary>
    public static List<TreeHash> ConsistencyProof(ISubtrees tree, long oldSize, long size)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(oldSize);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(oldSize, size);
        var proof = new List<TreeHash>();
        if (oldSize == 0 || oldSize == size)
        {
            return proof;
        }

        var (start, end) = (0L, size);
        while (end != oldSize)
        {
            var middle = start + Split(end - start);
            var isLeft = oldSize <= middle;
            proof.Add(isLeft ? Hash(tree, middle, end) : Hash(tree, start, middle));
            (start, end) = isLeft ? (start, middle) : (middle, end);
        }

        if (start > 0)
        {
            proof.Add(Hash(tree, start, end));
        }

        proof.Reverse();
        return proof;
    }

    /// <summary>Whether the proof shows that the tree of this size and root has the leaf at this index.</summary>
    public static bool IsIncluded(TreeHash leaf, long index, long size, TreeHash root, IReadOnlyList<TreeHash> proof)
    {
        if (index < 0 || index >= size)
        {
            return false;
        }

        var (node, last, hash) = (index, size - 1, leaf);
        foreach (var sibling in proof)
        {
            if (last == 0)
            {
                return false;
            }

            if ((node & 1) == 1 || node == last)
            {
                hash = TreeHash.OfNode(sibling, hash);
                while ((node & 1) == 0 && node != 0)
                {
                    (node, last) = (node >> 1, last >> 1);
                }
            }
            else
            {
                hash = TreeHash.OfNode(hash, sibling);
            }

            (node, last) = (node >> 1, last >> 1);
        }

        return last == 0 && hash == root;
    }

    /// <summary>Whether the proof shows that the tree with the second root extends the one with the first.</summary>
    public static bool IsConsistent(long oldSize, TreeHash oldRoot, long size, TreeHash root, IReadOnlyList<TreeHash> proof)
    {
        if (oldSize < 0 || oldSize > size)
        {
            return false;
        }

        if (oldSize == size || oldSize == 0)
        {
            return proof.Count == 0 && (oldSize == 0 ? oldRoot == TreeHash.Empty && (size > 0 || root == oldRoot) : oldRoot == root);
        }

        var (node, last) = (oldSize - 1, size - 1);
        while ((node & 1) == 1)
        {
            (node, last) = (node >> 1, last >> 1);
        }

        // A complete old tree is a node of the new one, so the proof does not repeat it.
        var next = 0;
        if (node != 0 && proof.Count == 0)
        {
            return false;
        }

        var first = node == 0 ? oldRoot : proof[next++];
        var (oldHash, hash) = (first, first);
        for (; next < proof.Count; next++)
        {
            var sibling = proof[next];
            if (last == 0)
            {
                return false;
            }

            if ((node & 1) == 1 || node == last)
            {
                (oldHash, hash) = (TreeHash.OfNode(sibling, oldHash), TreeHash.OfNode(sibling, hash));
                while ((node & 1) == 0 && node != 0)
                {
                    (node, last) = (node >> 1, last >> 1);
                }
            }
            else
            {
                hash = TreeHash.OfNode(hash, sibling);
            }

            (node, last) = (node >> 1, last >> 1);
        }

        return last == 0 && oldHash == oldRoot && hash == root;
    }

    /// <summary>The hash over a range that is a subtree of some tree, complete or at its right edge.</summary>
    private static TreeHash Hash(ISubtrees tree, long start, long end)
    {
        var count = end - start;
        if (BitOperations.IsPow2(count))
        {
            return tree.Subtree(BitOperations.Log2((ulong)count), start / count);
        }

        var middle = start + Split(count);
        return TreeHash.OfNode(Hash(tree, start, middle), Hash(tree, middle, end));
    }

    /// <summary>The largest power of two below a count of at least two.</summary>
    private static long Split(long count) => 1L << BitOperations.Log2((ulong)(count - 1));
}

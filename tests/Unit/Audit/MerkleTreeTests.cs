using System.Security.Cryptography;
using OrleansKms.Grains.Audit.Transparency;

namespace OrleansKms.Tests.Unit.Audit;

/// <summary>Roots, proofs and tiles against the vectors of Certificate Transparency and a tree computed by the definition of RFC 6962.</summary>
public class MerkleTreeTests
{
    private static readonly string[] _inputs =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];

    // The roots of the first n inputs, from the tests of google/certificate-transparency.
    [Theory]
    [InlineData(0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    [InlineData(1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d")]
    [InlineData(2, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125")]
    [InlineData(3, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77")]
    [InlineData(4, "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7")]
    [InlineData(5, "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4")]
    [InlineData(6, "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef")]
    [InlineData(7, "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c")]
    [InlineData(8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328")]
    public void Root_OfKnownInputs_IsTheKnownOne(int count, string root)
    {
        var tree = TiledTree.Empty(new TilesInMemory());
        foreach (var input in _inputs.Take(count)) tree.Append(TreeHash.OfLeaf(Convert.FromHexString(input)));
        var bytes = new byte[TreeHash.Length];
        tree.Root.CopyTo(bytes);
        Assert.Equal(root, Convert.ToHexStringLower(bytes));
    }

    [Fact]
    public void OfLeaf_OfAnyLength_IsByDefinition()
    {
        foreach (var length in (int[])[0, 1, 31, 1022, 1023, 1024, 1025, 60_013])
        {
            var entry = Bytes(length);
            Assert.Equal(new TreeHash(SHA256.HashData([0, .. entry])), TreeHash.OfLeaf(entry));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(255)]
    [InlineData(256)]
    [InlineData(257)]
    [InlineData(65_535)]
    [InlineData(65_536)]
    [InlineData(70_000)]
    public void Root_AcrossTiles_IsByDefinition_AlsoAfterALoad(int size)
    {
        var (tiles, leaves) = (new TilesInMemory(), Leaves(size));
        var tree = TiledTree.Empty(tiles);
        foreach (var leaf in leaves) tree.Append(leaf);
        Assert.Equal(ByDefinition(leaves), tree.Root);

        tree.KeepPartialTiles();
        var loaded = TiledTree.Load(tiles, size);
        Assert.Equal(tree.Root, loaded.Root);
        loaded.Append(leaves[0]);
        tree.Append(leaves[0]);
        Assert.Equal(tree.Root, loaded.Root);
    }

    [Fact]
    public void Tiles_OfATreeOf70000_AreThoseOfTheSpecification()
    {
        var tiles = new TilesInMemory();
        var tree = TiledTree.Empty(tiles);
        foreach (var leaf in Leaves(70_000)) tree.Append(leaf);
        tree.KeepPartialTiles();
        var partial = tiles.Kept.Where(tile => tile.Width < Tile.FullWidth).Select(tile => tile.Path).Order(StringComparer.Ordinal);
        Assert.Equal(["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"], partial);
        Assert.Equal(273, tiles.Kept.Count(tile => tile is { Level: 0, Width: Tile.FullWidth }));
        Assert.Equal(1, tiles.Kept.Count(tile => tile is { Level: 1, Width: Tile.FullWidth }));
        Assert.Equal("tile/0/x001/x234/067", new Tile(0, 1_234_067, Tile.FullWidth).Path);
    }

    [Fact]
    public void Proofs_OfEverySize_Verify_AndNoOtherDoes()
    {
        const int max = 40;
        var leaves = Leaves(max);
        var roots = Enumerable.Range(0, max + 1).Select(n => ByDefinition(leaves.AsSpan(0, n))).ToArray();
        var tree = TiledTree.Empty(new TilesInMemory());
        foreach (var leaf in leaves) tree.Append(leaf);
        for (var size = 1; size <= max; size++)
        {
            for (var index = 0; index < size; index++)
            {
                var proof = MerkleTree.InclusionProof(tree, index, size);
                Assert.True(MerkleTree.IsIncluded(leaves[index], index, size, roots[size], proof));
                Assert.False(MerkleTree.IsIncluded(leaves[index], index + 1, size, roots[size], proof));
                Assert.False(MerkleTree.IsIncluded(leaves[(index + 1) % max], index, size, roots[size], proof));
                Assert.False(MerkleTree.IsIncluded(leaves[index], index, size, roots[size], [.. proof, leaves[0]]));
                Assert.All(Mutations(proof), wrong => Assert.False(MerkleTree.IsIncluded(leaves[index], index, size, roots[size], wrong)));
            }

            for (var old = 0; old <= size; old++)
            {
                var proof = MerkleTree.ConsistencyProof(tree, old, size);
                Assert.True(MerkleTree.IsConsistent(old, roots[old], size, roots[size], proof));
                Assert.False(MerkleTree.IsConsistent(old, roots[old], size, roots[size], [.. proof, leaves[0]]));
                if (old > 0) Assert.False(MerkleTree.IsConsistent(old, roots[old - 1], size, roots[size], proof));
                if (old > 0) Assert.All(Mutations(proof), wrong => Assert.False(MerkleTree.IsConsistent(old, roots[old], size, roots[size], wrong)));
            }
        }
    }

    /// <summary>A tree's root as RFC 6962, section 2.1, defines it.</summary>
    internal static TreeHash ByDefinition(ReadOnlySpan<TreeHash> leaves)
    {
        if (leaves.Length <= 1) return leaves.Length == 0 ? TreeHash.Empty : leaves[0];
        var k = 1;
        while (k * 2 < leaves.Length) k *= 2;
        return TreeHash.OfNode(ByDefinition(leaves[..k]), ByDefinition(leaves[k..]));
    }

    private static TreeHash[] Leaves(int count) => [.. Enumerable.Range(0, count).Select(i => TreeHash.OfLeaf(BitConverter.GetBytes(i)))];

    private static byte[] Bytes(int length) => [.. Enumerable.Range(0, length).Select(i => (byte)i)];

    private static IEnumerable<List<TreeHash>> Mutations(List<TreeHash> proof)
    {
        for (var i = 0; i < proof.Count; i++)
        {
            yield return [.. proof[..i], .. proof[(i + 1)..]];
            yield return [.. proof[..i], TreeHash.Empty, .. proof[(i + 1)..]];
        }
    }
}

/// <summary>Tiles in memory.</summary>
internal sealed class TilesInMemory : ITiles
{
    private readonly Dictionary<Tile, byte[]> _tiles = [];

    public IEnumerable<Tile> Kept => _tiles.Keys;

    public byte[] Read(Tile tile) => _tiles[tile];

    public void Write(Tile tile, ReadOnlySpan<byte> hashes) => _tiles[tile] = hashes[..tile.Length].ToArray();
}

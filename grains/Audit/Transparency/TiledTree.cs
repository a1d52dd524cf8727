namespace OrleansKms.Grains.Audit.Transparency;

/// <summary>Stores tiles.</summary>
internal interface ITiles
{
    /// <summary>Reads a tile's hashes; a partial tile may be read from a wider one.</summary>
    /// <exception cref="InvalidDataException">The tile is missing or too short.</exception>
    byte[] Read(Tile tile);

    /// <summary>Stores a tile. An earlier tile in its place must have been a prefix of it.</summary>
    void Write(Tile tile, ReadOnlySpan<byte> hashes);
}

/// <summary>
/// A tree that grows entry by entry and stores full tiles as it does. It holds one tile per level in memory. Not thread-safe.
/// </summary>
internal sealed class TiledTree : ISubtrees
{
    private readonly ITiles _tiles;
    private readonly List<byte[]> _edge = [];

    private TiledTree(ITiles tiles, long size)
    {
        _tiles = tiles;
        Size = size;
    }

    /// <summary>The number of entries.</summary>
    public long Size { get; private set; }

    /// <summary>The root over all entries.</summary>
    public TreeHash Root => MerkleTree.Root(this, Size);

    /// <summary>An empty tree.</summary>
    public static TiledTree Empty(ITiles tiles) => new(tiles, 0);

    /// <summary>Loads a tree of this size from its stored tiles.</summary>
    /// <exception cref="InvalidDataException">A tile is missing.</exception>
    public static TiledTree Load(ITiles tiles, long size)
    {
        var tree = new TiledTree(tiles, size);
        foreach (var tile in Tile.Partial(size))
        {
            tiles.Read(tile).CopyTo(tree.Edge(tile.Level), 0);
        }

        return tree;
    }

    /// <summary>Appends the hash of an entry.</summary>
    public void Append(TreeHash leaf)
    {
        var (hash, size) = (leaf, Size++);
        for (var level = 0; ; level++, size >>= Tile.Height)
        {
            var edge = Edge(level);
            var place = (int)(size % Tile.FullWidth);
            hash.CopyTo(edge.AsSpan(place * TreeHash.Length));
            if (place < Tile.FullWidth - 1)
            {
                return;
            }

            _tiles.Write(new(level, size >> Tile.Height, Tile.FullWidth), edge);
            hash = Tile.Root(edge, Tile.Height);
        }
    }

    /// <summary>Stores the partial tiles of the current size, which readers of its checkpoint need.</summary>
    public void KeepPartialTiles()
    {
        foreach (var tile in Tile.Partial(Size))
        {
            _tiles.Write(tile, Edge(tile.Level).AsSpan(0, tile.Length));
        }
    }

    /// <inheritdoc/>
    public TreeHash Subtree(int height, long index)
    {
        var level = height / Tile.Height;
        var within = height % Tile.Height;
        var first = index << within;
        var tile = Tile.Widest(level, first >> Tile.Height, Size);
        var start = (int)(first % Tile.FullWidth) * TreeHash.Length;
        ReadOnlySpan<byte> hashes = tile.Width == Tile.FullWidth ? _tiles.Read(tile) : Edge(level).AsSpan(0, tile.Length);
        return Tile.Root(hashes[start..], within);
    }

    private byte[] Edge(int level)
    {
        while (_edge.Count <= level)
        {
            _edge.Add(new byte[Tile.FullWidth * TreeHash.Length]);
        }

        return _edge[level];
    }
}

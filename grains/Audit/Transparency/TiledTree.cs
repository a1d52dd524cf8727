namespace OrleansKms.Grains.Audit.Transparency;

/// <summary>Where tiles are kept.</summary>
internal interface ITiles
{
    /// <summary>Reads a tile's hashes; a partial tile from a wider one, where that is what there is.</summary>
    /// <exception cref="InvalidDataException">It is missing or too short.</exception>
    byte[] Read(Tile tile);

    /// <summary>Keeps a tile. What a tile of the same place held before began with the same hashes.</summary>
    void Write(Tile tile, ReadOnlySpan<byte> hashes);
}

/// <summary>A tree that grows entry by entry and keeps full tiles as it does. It holds one tile of each level in memory. Not for threads side by side.</summary>
internal sealed class TiledTree : ISubtrees
{
    private readonly ITiles _tiles;
    private readonly List<byte[]> _edge = [];

    private TiledTree(ITiles tiles, long size)
    {
        _tiles = tiles;
        Size = size;
    }

    /// <summary>How many entries it has.</summary>
    public long Size { get; private set; }

    /// <summary>The root over all entries.</summary>
    public TreeHash Root => MerkleTree.Root(this, Size);

    /// <summary>A tree without entries.</summary>
    public static TiledTree Empty(ITiles tiles) => new(tiles, 0);

    /// <summary>The tree of this size whose tiles were kept.</summary>
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

    /// <summary>Adds the hash of an entry.</summary>
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

    /// <summary>Keeps the partial tiles of the present size, which whoever has a checkpoint of it asks for.</summary>
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

using System.Globalization;

namespace OrleansKms.Grains.Audit.Transparency;

/// <summary>
/// Up to 256 consecutive hashes of one level of the tree: c2sp.org/tlog-tiles. On level 0 they are leaves; on each higher level, each is
/// the root of a full tile below.
/// </summary>
/// <param name="Level">0 to 63.</param>
/// <param name="Index">The tile's index in its level.</param>
/// <param name="Width">1 to 256 hashes; with fewer than 256 the tile is partial.</param>
internal readonly record struct Tile(int Level, long Index, int Width)
{
    /// <summary>The number of hashes in a full tile.</summary>
    public const int FullWidth = 1 << Height;

    /// <summary>The number of binary-tree levels per tile level.</summary>
    public const int Height = 8;

    /// <summary>Length in bytes.</summary>
    public int Length => Width * TreeHash.Length;

    /// <summary>The path below the log's prefix: <c>tile/L/N</c>, or <c>tile/L/N.p/W</c> for a partial tile.</summary>
    public string Path
    {
        get
        {
            var digits = Index.ToString("D3", CultureInfo.InvariantCulture);
            digits = digits.PadLeft((digits.Length + 2) / 3 * 3, '0');
            var groups = digits.Chunk(3).Select(group => new string(group)).ToArray();
            var number = string.Join('/', [.. groups[..^1].Select(group => "x" + group), groups[^1]]);
            var partial = Width < FullWidth ? string.Create(CultureInfo.InvariantCulture, $".p/{Width}") : "";
            return string.Create(CultureInfo.InvariantCulture, $"tile/{Level}/{number}{partial}");
        }
    }

    /// <summary>The partial tiles at the right edge of a tree of this size, from the leaves up, without empty ones.</summary>
    public static IEnumerable<Tile> Partial(long size)
    {
        for (var level = 0; size > 0; level++, size >>= Height)
        {
            var width = (int)(size % FullWidth);
            if (width > 0)
            {
                yield return new(level, size >> Height, width);
            }
        }
    }

    /// <summary>The widest form of a tile in a tree of this size; its width is 0 if the tree does not reach it.</summary>
    public static Tile Widest(int level, long index, long size)
    {
        var hashes = (size >> (Height * level)) - (index * FullWidth);
        return new(level, index, (int)Math.Clamp(hashes, 0, FullWidth));
    }

    /// <summary>The root of <c>2^height</c> hashes of a tile.</summary>
    public static TreeHash Root(ReadOnlySpan<byte> hashes, int height)
    {
        if (height == 0)
        {
            return new(hashes);
        }

        var half = TreeHash.Length << (height - 1);
        return TreeHash.OfNode(Root(hashes[..half], height - 1), Root(hashes[half..], height - 1));
    }
}

using OrleansKms.Grains.Audit.Transparency;

namespace OrleansKms.Grains.Audit.Trail;

/// <summary>
/// Holds tiles in memory until they are known to be right, and writes through from then on: if records were changed, the tiles in the
/// folder still show which.
/// </summary>
internal sealed class UnwrittenTiles(ITiles folder) : ITiles
{
    private Dictionary<Tile, byte[]>? _tiles = [];

    /// <inheritdoc/>
    public byte[] Read(Tile tile) => _tiles?.GetValueOrDefault(tile) ?? folder.Read(tile);

    /// <inheritdoc/>
    public void Write(Tile tile, ReadOnlySpan<byte> hashes)
    {
        if (_tiles is { } tiles)
        {
            tiles[tile] = hashes[..tile.Length].ToArray();
        }
        else
        {
            folder.Write(tile, hashes);
        }
    }

    /// <summary>Writes the tiles, even if the folder has the same ones: they may not be on disk.</summary>
    public void WriteThrough()
    {
        foreach (var (tile, hashes) in _tiles!)
        {
            folder.Write(tile, hashes);
        }

        _tiles = null;
    }
}

using OrleansKms.Grains.Audit.Transparency;

namespace OrleansKms.Grains.Audit.Trail;

/// <summary>A log's files contradict its checkpoint: something was changed, removed or lost.</summary>
internal sealed class BrokenTrailException(string message) : Exception(message);

/// <summary>
/// The Merkle tree over a folder's records. It follows the writer by reading the files, so that no caller waits for hashing. Not
/// thread-safe.
/// </summary>
internal sealed class TrailTree
{
    private readonly TrailFolder _folder;
    private readonly TiledTree _tree;
    private RecordFile _file;
    private long _position;

    private TrailTree(TrailFolder folder, TiledTree tree, RecordFile file, long position) =>
        (_folder, _tree, _file, _position) = (folder, tree, file, position);

    /// <summary>The number of records hashed.</summary>
    public long Size => _tree.Size;

    /// <summary>The root over those records.</summary>
    public TreeHash Root => _tree.Root;

    /// <summary>The root over the first <paramref name="size"/> records.</summary>
    public TreeHash RootOf(long size) => MerkleTree.Root(_tree, size);

    /// <summary>Loads a folder's tree, and hashes what was written since its last checkpoint.</summary>
    /// <param name="folder">The folder, which exists.</param>
    /// <param name="head">The last checkpoint, verified; null for a new log.</param>
    /// <param name="written">How far complete records go.</param>
    /// <param name="signed">How far the checkpoint goes.</param>
    /// <exception cref="BrokenTrailException">The records do not match the checkpoint.</exception>
    public static TrailTree Open(TrailFolder folder, Checkpoint? head, out Written written, out Written signed)
    {
        var files = folder.RecordFiles();
        var opened = head is null ? Load(folder, null) : Reopened(folder, files, head);
        signed = new(opened.Size, opened._file, opened._position);
        written = files.Count == 0 ? new(0, opened._file, 0) : opened.EndOf(files);
        opened.Follow(written);
        return opened;
    }

    /// <summary>Loads a folder's tree as of its last checkpoint.</summary>
    /// <inheritdoc cref="Open"/>
    public static TrailTree Load(TrailFolder folder, Checkpoint? head)
    {
        var files = folder.RecordFiles();
        return At(folder, files, TryLoad(folder, head) ?? Rebuild(folder, files, head!));
    }

    private static TrailTree At(TrailFolder folder, List<RecordFile> files, TiledTree tree)
    {
        var size = tree.Size;
        var from = files.FindLast(file => file.First <= size);
        if (from.Path is null)
        {
            return size == 0
                ? new(folder, tree, new(folder.RecordPath(0), 0), 0)
                : throw new BrokenTrailException($"The records before number {size} are missing.");
        }

        return new TrailTree(folder, tree, from, OffsetOf(from, size));
    }

    /// <summary>Hashes records up to what is written.</summary>
    /// <exception cref="BrokenTrailException">Records are missing or out of order.</exception>
    public void Follow(Written written)
    {
        while (_tree.Size < written.Records)
        {
            var isLast = _file.First == written.File.First;
            var target = isLast ? written.Records : NextFile().First;
            _position = RecordReader.ReadLines(_file.Path, _position, isLast ? written.Length : long.MaxValue, (line, _) =>
            {
                if (RecordReader.SequenceOf(line) != _tree.Size)
                {
                    throw new BrokenTrailException($"{_file.Path} has another record in the place of record {_tree.Size}.");
                }

                _tree.Append(TreeHash.OfLeaf(line));
                return _tree.Size < target;
            });
            if (_tree.Size < target)
            {
                throw new BrokenTrailException($"The file {_file.Path} ends before record {target - 1}.");
            }

            if (!isLast)
            {
                (_file, _position) = (NextFile(), 0);
            }
        }
    }

    /// <summary>Stores the tiles that a checkpoint of the current size needs.</summary>
    public void KeepPartialTiles() => _tree.KeepPartialTiles();

    private static TiledTree? TryLoad(ITiles tiles, Checkpoint? head)
    {
        if (head is null)
        {
            return TiledTree.Empty(tiles);
        }

        try
        {
            var tree = TiledTree.Load(tiles, head.Size);
            return tree.Root == head.Root ? tree : null;
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }

    /// <summary>Recreates lost tiles from the records.</summary>
    private static TiledTree Rebuild(TrailFolder folder, List<RecordFile> files, Checkpoint head)
    {
        if (files is not [{ First: 0 }, ..])
        {
            throw new BrokenTrailException("Tiles are missing or changed, and cannot be recreated because the first records are missing.");
        }

        // If records were changed, the tiles in the folder may still show which: they are replaced only by right ones.
        return Over(new Nowhere()).Root == head.Root
            ? Over(folder)
            : throw new BrokenTrailException($"The first {head.Size} records do not match the last checkpoint.");

        TiledTree Over(ITiles tiles)
        {
            var rebuilt = new TrailTree(folder, TiledTree.Empty(tiles), files[0], 0);
            if (head.Size > 0)
            {
                rebuilt.Follow(new(head.Size, files.FindLast(file => file.First < head.Size), long.MaxValue));
            }

            return rebuilt._tree;
        }
    }

    /// <summary>
    /// Loads the tree as of the last checkpoint, from the latest archived one whose tiles are whole: later tiles may be lost, not only at
    /// the edge that the root depends on.
    /// </summary>
    private static TrailTree Reopened(TrailFolder folder, List<RecordFile> files, Checkpoint head)
    {
        foreach (var kept in folder.LastKept(head.Size))
        {
            if (Rebuilt(folder, files, kept, head) is { } rebuilt)
            {
                return rebuilt;
            }
        }

        return files is [{ First: 0 }, ..] ? At(folder, files, Rebuild(folder, files, head)) : Load(folder, head);
    }

    /// <summary>
    /// Loads the tree as of an archived checkpoint, whose tiles are on disk, and rebuilds the later ones, which a power failure may have
    /// lost.
    /// </summary>
    /// <returns>Null if its tiles or the records after it are missing.</returns>
    private static TrailTree? Rebuilt(TrailFolder folder, List<RecordFile> files, Checkpoint kept, Checkpoint head)
    {
        var unwritten = new UnwrittenTiles(folder);
        if (files.FindLast(file => file.First <= kept.Size) is not { Path: not null } from || TryLoad(unwritten, kept) is not { } tree)
        {
            return null;
        }

        var rebuilt = new TrailTree(folder, tree, from, OffsetOf(from, kept.Size));
        if (head.Size > kept.Size)
        {
            rebuilt.Follow(new(head.Size, files.FindLast(file => file.First < head.Size), long.MaxValue));
            tree.KeepPartialTiles();
        }

        if (tree.Root != head.Root)
        {
            throw new BrokenTrailException($"The first {head.Size} records do not match the last checkpoint.");
        }

        unwritten.WriteThrough();
        return rebuilt;
    }

    private static long OffsetOf(RecordFile file, long record)
    {
        var (number, offset) = (file.First, 0L);
        if (number < record)
        {
            RecordReader.ReadLines(file.Path, 0, long.MaxValue, (_, end) =>
            {
                offset = end;
                return ++number < record;
            });
        }

        return number == record ? offset : throw new BrokenTrailException($"The file {file.Path} ends before record {record - 1}.");
    }

    /// <summary>How far complete records in order go; what a crash cut short or left out lies beyond.</summary>
    private Written EndOf(List<RecordFile> files)
    {
        var last = files[^1];
        var (count, length) = last.First == _file.First ? (_tree.Size, _position) : (last.First, 0);
        RecordReader.ReadLines(last.Path, length, long.MaxValue, (line, end) =>
        {
            var isNext = RecordReader.SequenceOf(line) == count;
            (count, length) = isNext ? (count + 1, end) : (count, length);
            return isNext;
        });
        return new(count, last, length);
    }

    private RecordFile NextFile() => _folder.RecordFiles().Find(file => file.First > _file.First) is { Path: not null } next
        ? next
        : throw new BrokenTrailException($"The file after {_file.Path} is missing.");

    /// <summary>For a tree of which only the root is wanted: it depends on no full tile.</summary>
    private sealed class Nowhere : ITiles
    {
        public byte[] Read(Tile tile) => throw new InvalidDataException("The tile was not stored.");

        public void Write(Tile tile, ReadOnlySpan<byte> hashes)
        {
        }
    }
}

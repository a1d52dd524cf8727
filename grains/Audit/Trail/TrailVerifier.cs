using OrleansKms.Grains.Audit.Transparency;

namespace OrleansKms.Grains.Audit.Trail;

/// <summary>What is wrong with a log.</summary>
internal enum TrailFault
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>The checkpoint to verify against is missing, or was not signed by the log's key.</summary>
    Checkpoint,

    /// <summary>A record was changed.</summary>
    Changed,

    /// <summary>A record was removed, and later ones moved up.</summary>
    Removed,

    /// <summary>A record was inserted.</summary>
    Inserted,

    /// <summary>Records were reordered.</summary>
    Reordered,

    /// <summary>Records at the end are missing.</summary>
    CutOff,

    /// <summary>Records and tiles agree with each other but not with the checkpoint: the log was rewritten.</summary>
    Rewritten,

    /// <summary>The records are intact, but tiles are missing or changed. They can be recreated.</summary>
    Tiles,
}

/// <summary>The result of a verification.</summary>
/// <param name="Fault">What is wrong.</param>
/// <param name="Record">The first record affected; for <see cref="TrailFault.Rewritten"/>, the first that no checkpoint covers.</param>
/// <param name="Records">The number of records read.</param>
/// <param name="Detail">A sentence for the operator.</param>
internal sealed record TrailReport(TrailFault Fault, long Record, long Records, string Detail);

/// <summary>
/// Verifies a log's files against a checkpoint. Only the signed root proves a record; tiles are trusted if they lead to it, and then
/// identify the record that differs.
/// </summary>
/// <param name="folder">The log.</param>
/// <param name="key">
/// The key that verifies its checkpoints. It protects against someone who can write to the folder only if it comes from elsewhere.
/// </param>
internal sealed class TrailVerifier(TrailFolder folder, NoteVerifier key)
{
    /// <summary>Verifies all records against each checkpoint, including the folder's own and its archived ones.</summary>
    /// <param name="kept">Checkpoints that were stored elsewhere.</param>
    public TrailReport Verify(params IReadOnlyList<SignedNote> kept)
    {
        var notes = new List<SignedNote>(kept);
        if (folder.ReadHead() is { } head)
        {
            notes.Add(head);
        }
        else if (kept.Count == 0)
        {
            return new(TrailFault.Checkpoint, 0, 0, "There is no checkpoint to verify against.");
        }

        notes.AddRange(folder.KeptCheckpoints());
        if (folder.ReadWitnessed() is { } witnessed)
        {
            notes.Add(witnessed);
        }

        var checkpoints = new List<Checkpoint>();
        foreach (var note in notes)
        {
            if (Checkpoint.Open(note, key) is not { } checkpoint)
            {
                return new(TrailFault.Checkpoint, 0, 0, $"A checkpoint was not signed by the key {key.Name}:\n{note}");
            }

            checkpoints.Add(checkpoint);
        }

        checkpoints.Sort((a, b) => a.Size.CompareTo(b.Size));

        // Before the record files: what a silo that runs moves there meanwhile is found in both.
        var pending = PendingRecords.Read(folder.PendingPath);
        var report = Verify(checkpoints, out var records);
        return report.Fault == TrailFault.None ? WithPending(report, records, pending) : report;
    }

    /// <summary>
    /// Adds what a killed silo left in its file of pending records: answered operations, which no checkpoint covers yet and which the next
    /// start moves to the record files.
    /// </summary>
    private TrailReport WithPending(TrailReport report, Reading records, SortedDictionary<long, byte[]> pending)
    {
        var more = 0L;
        foreach (var (number, line) in pending)
        {
            if (number < records.Count && TreeHash.OfLeaf(line) != records.Leaf(number))
            {
                return new(TrailFault.Changed, number, records.Count, $"Record {number} is another one in the file pending.");
            }

            if (number > records.Count + more)
            {
                // While it is being written, those between may be on their way.
                return IsWritten() ? report : new(
                    TrailFault.CutOff, records.Count + more, records.Count,
                    $"Records {records.Count + more} to {number - 1} are missing before those in the file pending. Only a power failure loses some.");
            }

            more += number == records.Count + more ? 1 : 0;
        }

        return more == 0 ? report : report with
        {
            Records = records.Count + more,
            Detail = $"{report.Detail} {more} more are in the file pending, which no checkpoint covers yet.",
        };
    }

    private bool IsWritten()
    {
        try
        {
            return folder.IsLocked;
        }
        catch (UnauthorizedAccessException)
        {
            // A copy that only others may write.
            return false;
        }
    }

    private TrailReport Verify(List<Checkpoint> checkpoints, out Reading records)
    {
        records = new Reading(folder, checkpoints);
        records.ReadAll();
        var (last, vouched) = (checkpoints[^1], records.Vouched);
        if (records.FirstWrong is null && records.Count >= last.Size)
        {
            var tiles = FirstWrongTile(records, last.Size);
            return tiles is null
                ? new(TrailFault.None, 0, records.Count, $"{records.Count} records are intact; a checkpoint covers {last.Size} of them.")
                : new(TrailFault.Tiles, 0, records.Count, tiles);
        }

        if (Trusted(checkpoints) is { } trusted && records.FirstDifferent(trusted) is { } different)
        {
            return Name(records, trusted, different);
        }

        return records.FirstWrong is null
            ? new(TrailFault.CutOff, records.Count, records.Count, $"Records {records.Count} to {last.Size - 1} are missing at the end.")
            : new(TrailFault.Rewritten, vouched, records.Count,
                $"The log was rewritten: the root of the first {records.FirstWrong.Size} records is not the one that was signed. The first {vouched} records are intact.");
    }

    /// <summary>
    /// The leaves from the tiles, if the tiles lead to the root of the last checkpoint, or of the latest one to which they do.
    /// </summary>
    private Leaves? Trusted(List<Checkpoint> checkpoints)
    {
        for (var i = checkpoints.Count - 1; i >= 0; i--)
        {
            if (Leaves.Read(folder, checkpoints[i]) is { } leaves)
            {
                return leaves;
            }
        }

        return null;
    }

    private static TrailReport Name(Reading records, Leaves trusted, long at)
    {
        TrailReport Report(TrailFault fault, string detail) => new(fault, at, records.Count, detail);
        if (at >= records.Count)
        {
            return Report(TrailFault.CutOff, $"Records {at} to {trusted.Count - 1} are missing at the end.");
        }

        var now = records.Leaf(at);
        var next = at + 1 < records.Count ? records.Leaf(at + 1) : (TreeHash?)null;
        if (at + 1 < trusted.Count && now == trusted[at + 1])
        {
            return next == trusted[at]
                ? Report(TrailFault.Reordered, $"Records {at} and {at + 1} were swapped.")
                : Report(TrailFault.Removed, $"Record {at} was removed.");
        }

        if (next == trusted[at])
        {
            return Report(TrailFault.Inserted, $"A record was inserted before record {at}.");
        }

        return trusted.Contains(now)
            ? Report(TrailFault.Reordered, $"Another record is in the place of record {at}.")
            : Report(TrailFault.Changed, $"Record {at} was changed.");
    }

    /// <summary>Compares the tiles with the records, which have been verified.</summary>
    private string? FirstWrongTile(Reading records, long size)
    {
        var tree = TiledTree.Empty(new Comparing(folder));
        try
        {
            for (var i = 0L; i < size; i++)
            {
                tree.Append(records.Leaf(i));
            }

            tree.KeepPartialTiles();
            return null;
        }
        catch (InvalidDataException e)
        {
            return e.Message;
        }
    }

    /// <summary>The records in the files.</summary>
    private sealed class Reading(TrailFolder folder, List<Checkpoint> checkpoints)
    {
        private readonly List<byte[]> _blocks = [];

        public long Count { get; private set; }

        /// <summary>The first checkpoint whose root does not match the records.</summary>
        public Checkpoint? FirstWrong { get; private set; }

        /// <summary>The number of records covered by the last checkpoint that matches.</summary>
        public long Vouched { get; private set; }

        public void ReadAll()
        {
            var tree = TiledTree.Empty(new InMemory());
            var next = 0;
            Check();
            foreach (var file in folder.RecordFiles())
            {
                RecordReader.ReadLines(file.Path, 0, long.MaxValue, (line, _) =>
                {
                    Add(line, tree);
                    Check();
                    return true;
                });
            }

            void Check()
            {
                for (; next < checkpoints.Count && checkpoints[next].Size == Count; next++)
                {
                    if (tree.Root == checkpoints[next].Root)
                    {
                        Vouched = FirstWrong is null ? Count : Vouched;
                    }
                    else
                    {
                        FirstWrong ??= checkpoints[next];
                    }
                }
            }
        }

        public TreeHash Leaf(long index) =>
            new(_blocks[(int)(index / Tile.FullWidth)].AsSpan((int)(index % Tile.FullWidth) * TreeHash.Length));

        public long? FirstDifferent(Leaves trusted)
        {
            for (var i = 0L; i < trusted.Count; i++)
            {
                if (i >= Count || Leaf(i) != trusted[i])
                {
                    return i;
                }
            }

            return null;
        }

        private void Add(ReadOnlySpan<byte> line, TiledTree tree)
        {
            var leaf = TreeHash.OfLeaf(line);
            tree.Append(leaf);
            var place = (int)(Count++ % Tile.FullWidth);
            if (place == 0)
            {
                _blocks.Add(new byte[Tile.FullWidth * TreeHash.Length]);
            }

            leaf.CopyTo(_blocks[^1].AsSpan(place * TreeHash.Length));
        }
    }

    /// <summary>Leaves that lead to a signed root.</summary>
    private sealed class Leaves
    {
        private readonly List<byte[]> _tiles = [];
        private HashSet<TreeHash>? _all;

        public long Count { get; private init; }

        public TreeHash this[long index] =>
            new(_tiles[(int)(index / Tile.FullWidth)].AsSpan((int)(index % Tile.FullWidth) * TreeHash.Length));

        public static Leaves? Read(TrailFolder folder, Checkpoint checkpoint)
        {
            try
            {
                var leaves = new Leaves { Count = checkpoint.Size };
                var tree = TiledTree.Empty(new InMemory());
                for (var start = 0L; start < checkpoint.Size; start += Tile.FullWidth)
                {
                    var tile = Tile.Widest(0, start >> Tile.Height, checkpoint.Size);
                    var hashes = folder.Read(tile);
                    leaves._tiles.Add(hashes);
                    for (var i = 0; i < tile.Width; i++)
                    {
                        tree.Append(new(hashes.AsSpan(i * TreeHash.Length)));
                    }
                }

                return tree.Root == checkpoint.Root ? leaves : null;
            }
            catch (InvalidDataException)
            {
                return null;
            }
        }

        public bool Contains(TreeHash leaf)
        {
            if (_all is null)
            {
                _all = [];
                for (var i = 0L; i < Count; i++)
                {
                    _all.Add(this[i]);
                }
            }

            return _all.Contains(leaf);
        }
    }

    /// <summary>Holds the full tiles above the leaves, which a root needs; the reader holds the leaves themselves.</summary>
    private sealed class InMemory : ITiles
    {
        private readonly Dictionary<(int, long), byte[]> _tiles = [];

        public byte[] Read(Tile tile) => _tiles[(tile.Level, tile.Index)];

        public void Write(Tile tile, ReadOnlySpan<byte> hashes) => _tiles[(tile.Level, tile.Index)] = hashes[..tile.Length].ToArray();
    }

    /// <summary>Compares each tile it is given with the stored one.</summary>
    private sealed class Comparing(TrailFolder folder) : ITiles
    {
        public byte[] Read(Tile tile) => folder.Read(tile);

        public void Write(Tile tile, ReadOnlySpan<byte> hashes)
        {
            if (!folder.Read(tile).AsSpan().SequenceEqual(hashes[..tile.Length]))
            {
                throw new InvalidDataException($"The file {tile.Path} was changed; the records are intact.");
            }
        }
    }
}

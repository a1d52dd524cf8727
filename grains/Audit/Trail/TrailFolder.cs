using System.Globalization;
using System.Text.RegularExpressions;
using OrleansKms.Grains.Audit.Transparency;
using OrleansKms.Files;

namespace OrleansKms.Grains.Audit.Trail;

/// <summary>
/// A log's files: <c>records/N.jsonl</c>, where N is the number of the file's first record; the tree in the layout of c2sp.org/tlog-tiles
/// (<c>checkpoint</c>, <c>tile/…</c>); <c>checkpoints/SIZE</c>, earlier checkpoints that narrow down where a log was rewritten;
/// <c>pending</c>, the records of the last moment; and <c>log.vkey</c>, the key that verifies them all.
/// </summary>
internal sealed partial class TrailFolder(string path) : ITiles
{
    private const string RecordSuffix = ".jsonl";

    // Beyond this, one flush of the whole file system is cheaper, where the operating system has one.
    private const int MaxFlushedOneByOne = 128;

    private static readonly Comparison<RecordFile> _byFirst = (a, b) => a.First.CompareTo(b.First);

    private readonly List<string> _unflushed = [];
    private string? _prepared;
    private bool _mayBeLost;

    /// <summary>The folder.</summary>
    public string Path { get; } = path;

    /// <summary>The log's id: its folder's name.</summary>
    public string Id => System.IO.Path.GetFileName(Path);

    /// <summary>The file of <see cref="PendingRecords"/>.</summary>
    public string PendingPath => At("pending");

    private string Records => At("records");

    private string Checkpoints => At("checkpoints");

    private string Head => At("checkpoint");

    private string Key => At("log.vkey");

    private string Witnessed => At("checkpoint.witnessed");

    /// <summary>The logs in a directory, oldest first.</summary>
    public static IEnumerable<TrailFolder> In(string directory) => Directory.Exists(directory)
        ? Directory.EnumerateDirectories(directory).Where(path => IdForm().IsMatch(System.IO.Path.GetFileName(path)))
            .Order(StringComparer.Ordinal).Select(path => new TrailFolder(path))
        : [];

    /// <summary>Locks the folder against other processes until the result is disposed.</summary>
    /// <exception cref="IOException">Another process has locked it.</exception>
    public IDisposable Lock() => PrivateFile.OpenExclusive(At("lock"));

    /// <summary>Whether another process has locked it: silos that share a directory have a log each.</summary>
    public bool IsLocked
    {
        get
        {
            try
            {
                Lock().Dispose();
                return false;
            }
            catch (IOException)
            {
                return true;
            }
        }
    }

    /// <summary>Creates the folder if it is missing.</summary>
    public void Prepare()
    {
        var isNew = !Directory.Exists(Path);
        PrivateFile.PrepareDirectory(Path);
        PrivateFile.PrepareDirectory(Records);
        PrivateFile.PrepareDirectory(Checkpoints);
        if (isNew && !OperatingSystem.IsWindows())
        {
            LibC.FlushDirectory(System.IO.Path.GetDirectoryName(Path)!);
        }
    }

    /// <summary>The record files, in order.</summary>
    public List<RecordFile> RecordFiles()
    {
        var files = new List<RecordFile>();
        foreach (var file in Directory.Exists(Records) ? Directory.EnumerateFiles(Records, "*" + RecordSuffix) : [])
        {
            if (long.TryParse(System.IO.Path.GetFileNameWithoutExtension(file), NumberStyles.None, CultureInfo.InvariantCulture, out var first))
            {
                files.Add(new(file, first));
            }
        }

        files.Sort(_byFirst);
        return files;
    }

    /// <summary>The file whose first record has this number.</summary>
    public string RecordPath(long first) =>
        System.IO.Path.Combine(Records, first.ToString("D20", CultureInfo.InvariantCulture) + RecordSuffix);

    /// <summary>
    /// What shows that a log without a readable checkpoint is not new: a new log is signed before its first record is written. Null if it
    /// is new.
    /// </summary>
    public string? WhyNotNew() =>
        File.Exists(Head) ? "the file checkpoint cannot be read"
        : Directory.Exists(Checkpoints) && Directory.EnumerateFiles(Checkpoints).Any() ? "the file checkpoint is missing, although there are archived ones"
        : File.Exists(Witnessed) ? "the file checkpoint is missing, although a witness cosigned one"
        : RecordFiles().Exists(file => new FileInfo(file.Path).Length > 0) ? "the file checkpoint is missing, although there are records"
        : null;

    /// <summary>
    /// Copies what a record file holds beyond its last good record to a file next to it, before it is cut off there. Nothing is copied
    /// of a single record that was cut short by a crash.
    /// </summary>
    /// <returns>The copy; null if there is nothing to copy.</returns>
    public static string? SetAside(Written written)
    {
        if (!File.Exists(written.File.Path))
        {
            return null;
        }

        using var file = new FileStream(written.File.Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var rest = new byte[Math.Max(0, file.Length - written.Length)];
        file.Position = written.Length;
        file.ReadExactly(rest);
        if (!rest.AsSpan().Contains((byte)'\n'))
        {
            return null;
        }

        var copy = string.Create(CultureInfo.InvariantCulture, $"{written.File.Path}.{written.Length}.cut");
        TrailFiles.Put(copy, rest);
        return copy;
    }

    /// <summary>The last signed checkpoint; null if there is none.</summary>
    public SignedNote? ReadHead() => File.Exists(Head) ? SignedNote.Parse(File.ReadAllBytes(Head)) : null;

    /// <summary>Replaces the last signed checkpoint.</summary>
    public void WriteHead(SignedNote checkpoint) => TrailFiles.Put(Head, checkpoint.ToBytes());

    /// <summary>The last cosigned checkpoint; null if there is none.</summary>
    public SignedNote? ReadWitnessed() => File.Exists(Witnessed) ? SignedNote.Parse(File.ReadAllBytes(Witnessed)) : null;

    /// <summary>Stores a cosigned checkpoint.</summary>
    public void WriteWitnessed(SignedNote checkpoint) => TrailFiles.Put(Witnessed, checkpoint.ToBytes());

    /// <summary>
    /// Archives a checkpoint once all of its tiles are on disk. Tiles written since the last archived checkpoint may be lost in a power
    /// failure, and are then rebuilt from the records: flushing each tile would cost more than everything else about its records.
    /// </summary>
    public void KeepCheckpoint(long size, SignedNote checkpoint)
    {
        FlushTiles([.. _unflushed, .. Tile.Partial(size).Select(tile => Candidates(tile).FirstOrDefault(File.Exists)).OfType<string>()]);

        // Not earlier: a power failure could take the full tile and leave the removal.
        foreach (var partial in _unflushed.Select(tile => tile + ".p").Where(Directory.Exists))
        {
            Directory.Delete(partial, recursive: true);
        }

        _prepared = null;
        _unflushed.Clear();
        TrailFiles.Put(KeptPath(size), checkpoint.ToBytes());
    }

    /// <summary>The archived checkpoints with at most this many records, the last one first.</summary>
    public IEnumerable<Checkpoint> LastKept(long maxSize) => KeptFiles().Reverse()
        .Where(file => long.TryParse(System.IO.Path.GetFileName(file), NumberStyles.None, CultureInfo.InvariantCulture, out var size) && size <= maxSize)
        .Select(file => SignedNote.Parse(File.ReadAllBytes(file)) is { } note ? Checkpoint.Parse(note.Text) : null).OfType<Checkpoint>();

    /// <summary>The archived checkpoints, by size.</summary>
    public IEnumerable<SignedNote> KeptCheckpoints() => KeptFiles().Select(file => SignedNote.Parse(File.ReadAllBytes(file))).OfType<SignedNote>();

    /// <summary>The log's verifier key according to the folder; null if it has none.</summary>
    /// <exception cref="FormatException">The file is not a key.</exception>
    public NoteVerifier? ReadKey() => File.Exists(Key) ? NoteVerifier.Parse(File.ReadAllText(Key)) : null;

    /// <summary>Stores the log's verifier key.</summary>
    public void WriteKey(NoteVerifier key) => TrailFiles.Put(Key, System.Text.Encoding.UTF8.GetBytes(key + "\n"));

    /// <inheritdoc/>
    public byte[] Read(Tile tile)
    {
        foreach (var candidate in Candidates(tile))
        {
            if (File.Exists(candidate) && File.ReadAllBytes(candidate) is var hashes && hashes.Length >= tile.Length)
            {
                return hashes[..tile.Length];
            }
        }

        throw new InvalidDataException($"The file {At(tile.Path)} is missing or too short.");
    }

    /// <inheritdoc/>
    public void Write(Tile tile, ReadOnlySpan<byte> hashes)
    {
        var file = At(tile.Path);
        if (tile.Width < Tile.FullWidth && HasSame(file, hashes[..tile.Length]))
        {
            // It may be on disk already, and a replacement would not be.
            return;
        }

        var directory = System.IO.Path.GetDirectoryName(file)!;
        if (directory != _prepared)
        {
            PrivateFile.PrepareDirectory(directory);
            _prepared = directory;
        }

        TrailFiles.Write(file, hashes[..tile.Length]);
        if (tile.Width == Tile.FullWidth)
        {
            _unflushed.Add(file);
        }
    }

    [GeneratedRegex("^[0-9]{8}T[0-9]{9}-[0-9a-f]{8}$")]
    private static partial Regex IdForm();

    [GeneratedRegex("^[0-9]{20}$")]
    private static partial Regex KeptName();

    private static bool HasSame(string file, ReadOnlySpan<byte> hashes) =>
        new FileInfo(file) is { Exists: true } found && found.Length == hashes.Length && hashes.SequenceEqual(File.ReadAllBytes(file));

    private IEnumerable<string> KeptFiles() => Directory.Exists(Checkpoints)
        ? Directory.EnumerateFiles(Checkpoints).Where(file => KeptName().IsMatch(System.IO.Path.GetFileName(file))).Order(StringComparer.Ordinal)
        : [];

    private void FlushTiles(List<string> tiles)
    {
        try
        {
            // After a failed flush, the next one succeeds without writing anything.
            foreach (var tile in _mayBeLost ? tiles : [])
            {
                TrailFiles.Write(tile, File.ReadAllBytes(tile));
            }

            if (tiles.Count > MaxFlushedOneByOne && OperatingSystem.IsLinux())
            {
                LibC.FlushFileSystem(Path);
            }
            else
            {
                TrailFiles.Flush(tiles, Path);
            }

            _mayBeLost = false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _mayBeLost = true;
            throw;
        }
    }

    private IEnumerable<string> Candidates(Tile tile)
    {
        yield return At(tile.Path);
        if (tile.Width == Tile.FullWidth)
        {
            yield break;
        }

        // A checkpoint's partial tile may have been replaced by a wider one with the same hashes first.
        var full = At((tile with { Width = Tile.FullWidth }).Path);
        yield return full;
        if (Directory.Exists(full + ".p"))
        {
            foreach (var wider in Directory.EnumerateFiles(full + ".p"))
            {
                yield return wider;
            }
        }
    }

    private string KeptPath(long size) => System.IO.Path.Combine(Checkpoints, size.ToString("D20", CultureInfo.InvariantCulture));

    private string At(string relative) => System.IO.Path.Combine(Path, relative);
}

/// <summary>A record file.</summary>
/// <param name="Path">Its path.</param>
/// <param name="First">The number of its first record.</param>
internal readonly record struct RecordFile(string Path, long First);

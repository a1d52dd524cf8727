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
        PrivateFile.PrepareDirectory(Path);
        PrivateFile.PrepareDirectory(Records);
        PrivateFile.PrepareDirectory(Checkpoints);
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
        if (_unflushed.Count > MaxFlushedOneByOne && OperatingSystem.IsLinux())
        {
            LibC.FlushFileSystem(Path);
        }
        else
        {
            TrailFiles.Flush([.. _unflushed, .. Tile.Partial(size).Select(tile => At(tile.Path))], Path);
        }

        _unflushed.Clear();
        TrailFiles.Put(KeptPath(size), checkpoint.ToBytes());
    }

    /// <summary>The last archived checkpoint with at most this many records; null if there is none.</summary>
    public Checkpoint? LastKept(long maxSize)
    {
        var last = -1L;
        foreach (var file in Directory.Exists(Checkpoints) ? Directory.EnumerateFiles(Checkpoints) : [])
        {
            if (long.TryParse(System.IO.Path.GetFileName(file), NumberStyles.None, CultureInfo.InvariantCulture, out var size) && size <= maxSize)
            {
                last = Math.Max(last, size);
            }
        }

        return last >= 0 && SignedNote.Parse(File.ReadAllBytes(KeptPath(last))) is { } note ? Checkpoint.Parse(note.Text) : null;
    }

    /// <summary>The archived checkpoints, by size.</summary>
    public IEnumerable<SignedNote> KeptCheckpoints() => Directory.Exists(Checkpoints)
        ? Directory.EnumerateFiles(Checkpoints).Where(file => KeptName().IsMatch(System.IO.Path.GetFileName(file))).Order(StringComparer.Ordinal)
            .Select(file => SignedNote.Parse(File.ReadAllBytes(file))).OfType<SignedNote>()
        : [];

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
        var directory = System.IO.Path.GetDirectoryName(file)!;
        if (directory != _prepared)
        {
            PrivateFile.PrepareDirectory(directory);
            _prepared = directory;
        }

        TrailFiles.Write(file, hashes[..tile.Length]);
        if (tile.Width < Tile.FullWidth)
        {
            return;
        }

        _unflushed.Add(file);
        if (Directory.Exists(file + ".p"))
        {
            Directory.Delete(file + ".p", recursive: true);
            _prepared = null;
        }
    }

    [GeneratedRegex("^[0-9]{8}T[0-9]{9}-[0-9a-f]{8}$")]
    private static partial Regex IdForm();

    [GeneratedRegex("^[0-9]{20}$")]
    private static partial Regex KeptName();

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

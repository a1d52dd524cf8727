using System.Security.Cryptography;
using OrleansKms.Files;

namespace OrleansKms.Silo.Verbs.Rewrap;

/// <summary>
/// The files of a run. What is appended counts only from the next <see cref="Checkpoint"/>: the output and the report go to the disk
/// first and then, as one rename, how long they are. After a kill the rest of them is cut off.
/// </summary>
internal sealed class RewrapFiles : IDisposable
{
    private readonly RewrapOptions _options;
    private readonly FileStream _input;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private FileStream _output;
    private FileStream _report = null!;
    private bool _hasName;

    private RewrapFiles(RewrapOptions options, FileStream input)
    {
        (_options, _input) = (options, input);
        Progress = new() { Meaning = options.Meaning, ReportFile = options.ReportFile, InputHash = HashOf(_hash) };
        _output = Lock(options.Part);
    }

    /// <summary>The input, from where the run goes on.</summary>
    public Stream Input => _input;

    /// <summary>The input's length in bytes.</summary>
    public long InputLength => _input.Length;

    /// <summary>How far the run is, including what the disk does not have yet.</summary>
    public RewrapProgress Progress { get; private set; }

    /// <summary>Whether the run goes on with an earlier one.</summary>
    public bool IsResumed { get; private set; }

    /// <summary>Begins a run, or goes on with one.</summary>
    /// <exception cref="VerbException">There is one with which it cannot go on, or something else of that name.</exception>
    /// <exception cref="IOException">Another run has the output.</exception>
    public static RewrapFiles Open(RewrapOptions options)
    {
        // Before anything is made or emptied, so that no name of it is taken for another file's.
        var input = OpenInput(options.Input);
        RewrapFiles? files = null;
        try
        {
            Refuse(options);
            RefuseOthers(options, Earlier(options));
            files = new(options, input);
            files.Begin();
            return files;
        }
        catch
        {
            input.Dispose();
            files?.Dispose();
            throw;
        }
    }

    /// <summary>Ends a run that was killed when its output was whole already.</summary>
    /// <returns>How it went; null where there is no such run.</returns>
    /// <exception cref="VerbException">It was a run of another input or with other options, or its output has gone.</exception>
    public static RewrapProgress? FinishKilled(RewrapOptions options)
    {
        if (options.Restarts || Earlier(options) is not { IsDone: true }) return null;
        using var files = Open(options);
        if (!files.Progress.IsDone) return null;
        files.Finish();
        return files.Progress;
    }

    /// <summary>Appends what was made of records, and what failed.</summary>
    /// <param name="records">The records as they were, in the order of the input.</param>
    /// <param name="output">The records as they are now.</param>
    /// <param name="report">Lines of the report.</param>
    /// <param name="counted">Adds to the counts.</param>
    public void Append(ReadOnlySpan<byte> records, ReadOnlySpan<byte> output, ReadOnlySpan<byte> report, Func<RewrapProgress, RewrapProgress> counted)
    {
        _output.Write(output);
        _report.Write(report);
        var done = counted(Progress);
        // Only now: should one of them fail, the next checkpoint still tells of the records before these, and of their hash.
        _hash.AppendData(records);
        Progress = done with { Input = done.Input + records.Length, Lines = done.Lines + records.Count((byte)'\n'), Output = _output.Position, Report = _report.Position };
    }

    /// <summary>Puts everything appended on the disk.</summary>
    public void Checkpoint()
    {
        LibC.FlushFile(_output.SafeFileHandle);
        LibC.FlushFile(_report.SafeFileHandle);
        Progress = Progress with { InputHash = HashOf(_hash) };
        using (var file = PrivateFile.OpenExclusive(_options.NextProgress))
        {
            file.SetLength(0);
            file.Write(Progress.ToBytes());
            LibC.FlushFile(file.SafeFileHandle);
        }

        PrivateFile.Replace(_options.NextProgress, _options.Progress);
    }

    /// <summary>Gives the output its name; the report of a run without failures goes.</summary>
    /// <exception cref="VerbException">The name was taken in the meantime.</exception>
    public void Finish()
    {
        if (!Progress.IsDone)
        {
            Progress = Progress with { IsDone = true };
            Checkpoint();
        }

        _report.Dispose();
        if (Progress.Failed == 0) File.Delete(_options.Report);
        if (_hasName) File.Delete(_options.Part);
        else Name();
        PrivateFile.FlushDirectoryOf(_options.Output);
        File.Delete(_options.Progress);
        _output.Dispose();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _input.Dispose();
        _output.Dispose();
        _report?.Dispose();
        _hash.Dispose();
    }

    private static FileStream OpenInput(string path)
    {
        try
        {
            return new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.SequentialScan);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw VerbException.Usage($"The file {path} cannot be read: {ServiceConnection.Reason(e)}.", inner: e);
        }
    }

    // Each of these is written, replaced or deleted: if it were the input, or two were one, that would be lost.
    private static void Refuse(RewrapOptions options)
    {
        string[] names = [options.Input, options.Output, options.Part, options.Progress, options.NextProgress, options.Report];
        for (var i = 1; i < names.Length; i++)
        {
            if (names[..i].FirstOrDefault(name => FileNames.AreOfOne(name, names[i])) is { } other)
            {
                throw VerbException.Usage(
                    $"{names[i]} is {(other == names[0] ? $"the input {other}, which is only read" : $"the same file as {other}")}.", "Choose another name with --out or --report.");
            }

            if (LibC.IsSpecial(names[i])) throw VerbException.Usage($"{names[i]} is not a file.", "Choose another name with --out or --report.");
        }
    }

    private static RewrapProgress? Earlier(RewrapOptions options) => File.Exists(options.Progress) ? RewrapProgress.Read(options.Progress) : null;

    private static void RefuseOthers(RewrapOptions options, RewrapProgress? earlier)
    {
        var isAnew = earlier is null || options.Restarts;
        if (!isAnew && (earlier!.Meaning != options.Meaning || earlier.ReportFile != options.ReportFile))
        {
            throw VerbException.Usage($"The run of {options.Progress} began with other options: {earlier.Meaning} --report {earlier.ReportFile}.", "Go on with these, or add --restart.");
        }

        if (isAnew && !options.Replaces && PrivateFile.IsThere(options.Output)) throw VerbException.Usage($"{options.Output} exists already.", "To replace it at the end, add --force.");
        foreach (var (path, isOfRun) in ((string, bool)[])[(options.Part, earlier is not null), (options.Report, earlier?.ReportFile == options.ReportFile)])
        {
            if (!PrivateFile.IsThere(path)) continue;
            var file = new FileInfo(path);
            if (file.LinkTarget is not null) throw VerbException.Usage($"{path} is a link.", "Remove it, or choose another name with --out or --report.");
            // What a run that was killed at its very beginning leaves is empty.
            if (!isOfRun && file.Length > 0) throw VerbException.Usage($"{path} exists already, and is of no run that is under way.", "Move it away, or choose another name with --out or --report.");
        }
    }

    // The lock against a second run, be it one that begins anew.
    private static FileStream Lock(string path)
    {
        var file = PrivateFile.OpenExclusive(path);
        // A run that ended just now has given the file another name.
        if (LibC.IdentityOf(file.SafeFileHandle) == LibC.IdentityOf(path)) return file;
        file.Dispose();
        throw new IOException($"Another run has just ended with {path}.");
    }

    // Instead of a file that was there: that would keep its owner, its mode, and whoever has it open.
    private static FileStream Anew(FileStream held, string path)
    {
        if (OperatingSystem.IsWindows()) return held;
        using (held)
        {
            File.Delete(path);
            return PrivateFile.OpenNew(path);
        }
    }

    private void Begin()
    {
        // Again, with the lock: now no other run changes it.
        var earlier = Earlier(_options);
        RefuseOthers(_options, earlier);
        if (earlier is not null && !_options.Restarts)
        {
            Resume(earlier);
            return;
        }

        _report = Lock(_options.Report);
        if (earlier is null) _output = Anew(_output, _options.Part);
        else _output.SetLength(0);
        if (earlier?.ReportFile == _options.ReportFile) _report.SetLength(0);
        else _report = Anew(_report, _options.Report);
        Checkpoint();
    }

    private void Resume(RewrapProgress progress)
    {
        _report = Lock(_options.Report);
        _hasName = progress.IsDone && _output.Length == 0 && new FileInfo(_options.Output) is { Exists: true } named && named.Length == progress.Output;
        if ((!_hasName && _output.Length < progress.Output) || _report.Length < progress.Report)
        {
            throw VerbException.Usage($"{_options.Part} or {_options.Report} is shorter than it was.", "To begin anew, add --restart.");
        }

        ReadAgain(progress);
        if (!_hasName) Cut(_output, progress.Output);
        Cut(_report, progress.Report);
        (Progress, IsResumed) = (progress, true);
    }

    private static void Cut(FileStream file, long length)
    {
        file.SetLength(length);
        file.Seek(0, SeekOrigin.End);
    }

    private void ReadAgain(RewrapProgress progress)
    {
        var buffer = new byte[1024 * 1024];
        for (var left = progress.Input; left > 0;)
        {
            var count = _input.Read(buffer, 0, (int)Math.Min(buffer.Length, left));
            if (count == 0) break;
            _hash.AppendData(buffer, 0, count);
            left -= count;
        }

        if (HashOf(_hash) != progress.InputHash || (progress.IsDone && _input.Length != progress.Input))
        {
            throw VerbException.Usage($"{_options.Input} is not what it was when the run began.", "To begin anew, add --restart.");
        }
    }

    // With the lock, so that no other run has opened what gets the name.
    private void Name()
    {
        if (OperatingSystem.IsWindows()) _output.Dispose();
        try
        {
            File.Move(_options.Part, _options.Output, _options.Replaces);
        }
        catch (IOException e) when (!_options.Replaces && PrivateFile.IsThere(_options.Output))
        {
            throw VerbException.Usage($"{_options.Output} exists already; the result is whole, in {_options.Part}.", "To replace it, run again with --force.", e);
        }
    }

    private static string HashOf(IncrementalHash hash) => Convert.ToHexStringLower(hash.GetCurrentHash());
}

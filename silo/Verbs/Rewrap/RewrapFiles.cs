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
    private readonly FileStream _output;
    private readonly FileStream _report;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    private RewrapFiles(RewrapOptions options)
    {
        _options = options;
        _input = new(options.Input, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.SequentialScan);
        // Also the lock against a second run.
        _output = PrivateFile.OpenExclusive(options.Part);
        _report = PrivateFile.OpenExclusive(options.Report);
        Progress = new() { Meaning = options.Meaning, InputHash = HashOf(_hash) };
    }

    /// <summary>The input, from where the run goes on.</summary>
    public Stream Input => _input;

    /// <summary>The input's length in bytes.</summary>
    public long InputLength => _input.Length;

    /// <summary>How far the run is, including what the disk does not have yet.</summary>
    public RewrapProgress Progress { get; private set; }

    /// <summary>Whether the run goes on with an earlier one.</summary>
    public bool IsResumed { get; private init; }

    /// <summary>Begins a run, or goes on with one.</summary>
    /// <exception cref="VerbException">There is one with which it cannot go on, or something else of that name.</exception>
    public static RewrapFiles Open(RewrapOptions options)
    {
        if (options.Restarts)
        {
            foreach (var path in (string[])[options.Progress, options.Part, options.Report]) File.Delete(path);
        }

        if (File.Exists(options.Progress)) return Resume(options, RewrapProgress.Read(options.Progress));
        if (!options.Replaces && PrivateFile.IsThere(options.Output)) throw VerbException.Usage($"{options.Output} exists already.", "To replace it at the end, add --force.");
        foreach (var path in (string[])[options.Part, options.Report])
        {
            // What a run that was killed at its very beginning leaves is empty.
            if (PrivateFile.IsThere(path) && new FileInfo(path) is not { LinkTarget: null, Length: 0 }) throw VerbException.Usage($"{path} exists already.", "To throw it away, add --restart.");
        }

        var files = new RewrapFiles(options);
        try
        {
            files.Checkpoint();
            return files;
        }
        catch
        {
            files.Dispose();
            throw;
        }
    }

    /// <summary>Appends what was made of records, and what failed.</summary>
    /// <param name="records">The records as they were, in the order of the input.</param>
    /// <param name="output">The records as they are now.</param>
    /// <param name="report">Lines of the report.</param>
    /// <param name="counted">Adds to the counts.</param>
    public void Append(ReadOnlySpan<byte> records, ReadOnlySpan<byte> output, ReadOnlySpan<byte> report, Func<RewrapProgress, RewrapProgress> counted)
    {
        _hash.AppendData(records);
        _output.Write(output);
        _report.Write(report);
        var done = counted(Progress);
        Progress = done with { Input = done.Input + records.Length, Lines = done.Lines + records.Count((byte)'\n'), Output = _output.Position, Report = _report.Position };
    }

    /// <summary>Puts everything appended on the disk.</summary>
    public void Checkpoint()
    {
        LibC.FlushFile(_output.SafeFileHandle);
        LibC.FlushFile(_report.SafeFileHandle);
        Progress = Progress with { InputHash = HashOf(_hash) };
        var next = _options.Progress + ".tmp";
        using (var file = PrivateFile.OpenExclusive(next))
        {
            file.SetLength(0);
            file.Write(Progress.ToBytes());
            LibC.FlushFile(file.SafeFileHandle);
        }

        PrivateFile.Replace(next, _options.Progress);
    }

    /// <summary>Gives the output its name; the report of a run without failures goes.</summary>
    /// <exception cref="VerbException">The name was taken in the meantime.</exception>
    public void Finish()
    {
        Progress = Progress with { IsDone = true };
        Checkpoint();
        _output.Dispose();
        _report.Dispose();
        if (Progress.Failed == 0) File.Delete(_options.Report);
        Name(_options);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _input.Dispose();
        _output.Dispose();
        _report.Dispose();
        _hash.Dispose();
    }

    private static RewrapFiles Resume(RewrapOptions options, RewrapProgress progress)
    {
        if (progress.Meaning != options.Meaning) throw VerbException.Usage($"The run of {options.Progress} began with other options: {progress.Meaning}.", "Go on with these, or add --restart.");
        var files = new RewrapFiles(options) { IsResumed = true };
        try
        {
            files.GoOnFrom(progress);
            return files;
        }
        catch
        {
            files.Dispose();
            throw;
        }
    }

    /// <summary>Ends a run that was killed when its output was whole already.</summary>
    /// <returns>How it went; null where there is no such run.</returns>
    public static RewrapProgress? FinishKilled(RewrapOptions options)
    {
        if (options.Restarts || !File.Exists(options.Progress) || RewrapProgress.Read(options.Progress) is not { IsDone: true } progress) return null;
        if (progress.Meaning != options.Meaning) throw VerbException.Usage($"The run of {options.Progress} began with other options: {progress.Meaning}.", "Go on with these, or add --restart.");
        if (File.Exists(options.Part)) Name(options);
        else File.Delete(options.Progress);
        return progress;
    }

    private static void Name(RewrapOptions options)
    {
        try
        {
            File.Move(options.Part, options.Output, options.Replaces);
        }
        catch (IOException e) when (!options.Replaces && PrivateFile.IsThere(options.Output))
        {
            throw VerbException.Usage($"{options.Output} exists already; the result is whole, in {options.Part}.", "To replace it, run again with --force.", e);
        }

        PrivateFile.FlushDirectoryOf(options.Output);
        File.Delete(options.Progress);
    }

    private void GoOnFrom(RewrapProgress progress)
    {
        if (_output.Length < progress.Output || _report.Length < progress.Report)
        {
            throw VerbException.Usage($"{_options.Part} or {_options.Report} is shorter than it was.", "To begin anew, add --restart.");
        }

        ReadAgain(progress);
        _output.SetLength(progress.Output);
        _output.Seek(0, SeekOrigin.End);
        _report.SetLength(progress.Report);
        _report.Seek(0, SeekOrigin.End);
        Progress = progress;
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

        if (HashOf(_hash) != progress.InputHash) throw VerbException.Usage($"{_options.Input} is not what it was when the run began.", "To begin anew, add --restart.");
    }

    private static string HashOf(IncrementalHash hash) => Convert.ToHexStringLower(hash.GetCurrentHash());
}

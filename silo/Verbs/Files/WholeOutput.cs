using System.Runtime.InteropServices;
using OrleansKms.Files;

namespace OrleansKms.Silo.Verbs.Files;

/// <summary>
/// A file that gets its name when it is whole and on the disk, and not before: until then it has another one in the same
/// directory, which goes with a failure, SIGINT, SIGTERM and SIGHUP. After kill -9 that other one remains. Only its owner may read it.
/// </summary>
internal sealed class WholeOutput : IDisposable
{
    /// <summary>How the names of unfinished files begin.</summary>
    public const string UnfinishedPrefix = ".okms-";

    private readonly string _path;
    private readonly string _unfinished;
    private readonly bool _replaces;
    private readonly FileStream _file;
    private readonly List<PosixSignalRegistration> _signals = [];

    private WholeOutput(string path, bool replaces)
    {
        (_path, _replaces) = (path, replaces);
        _unfinished = Path.Combine(Path.GetDirectoryName(path)!, $"{UnfinishedPrefix}{Guid.NewGuid():N}.tmp");
        // Before the file is made, so that no signal comes between.
        foreach (var signal in (PosixSignal[])[PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP])
        {
            // The process ends by the signal after this. Should the name be given in the meantime, then the file was whole.
            _signals.Add(PosixSignalRegistration.Create(signal, _ => File.Delete(_unfinished)));
        }

        _file = PrivateFile.OpenExclusive(_unfinished);
    }

    /// <summary>Where to write.</summary>
    public Stream Stream => _file;

    /// <summary>Begins a file.</summary>
    /// <param name="path">Its name; that of a link means what it leads to.</param>
    /// <param name="replaces">Whether it replaces a file of that name.</param>
    /// <exception cref="IOException">The name is taken, or cannot be given to a file.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not write there.</exception>
    public static WholeOutput Create(string path, bool replaces) => new(Check(path, replaces), replaces);

    /// <summary>Refuses a name that cannot be given, before anything is done for it.</summary>
    /// <returns>The absolute path.</returns>
    /// <inheritdoc cref="Create"/>
    public static string Check(string path, bool replaces)
    {
        var full = Path.GetFullPath(path);
        if (!replaces && PrivateFile.IsThere(full)) throw Taken(path);
        if (LibC.IsSpecial(full)) throw new IOException($"{path} is not a file. For standard output: --out -");
        // Replacing a link would leave the old content where it led.
        if (new FileInfo(full) is { LinkTarget: not null } link) full = link.ResolveLinkTarget(returnFinalTarget: true)!.FullName;
        return Directory.Exists(Path.GetDirectoryName(full)) ? full : throw new IOException($"There is no directory {Path.GetDirectoryName(path)}.");
    }

    /// <summary>Flushes the file to the disk and gives it its name.</summary>
    /// <exception cref="IOException">It cannot be flushed, or the name was taken in the meantime.</exception>
    public void Commit()
    {
        LibC.FlushFile(_file.SafeFileHandle);
        if (_replaces)
        {
            PrivateFile.Replace(_unfinished, _path);
            return;
        }

        if (!PrivateFile.TryName(_unfinished, _path)) throw Taken(_path);
        File.Delete(_unfinished);
        PrivateFile.FlushDirectoryOf(_path);
    }

    /// <summary>Removes the file unless it has its name.</summary>
    public void Dispose()
    {
        _file.Dispose();
        File.Delete(_unfinished);
        foreach (var signal in _signals) signal.Dispose();
    }

    private static IOException Taken(string path) => new($"{path} exists already. To replace it, add --force.");
}

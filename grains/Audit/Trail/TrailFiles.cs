using Microsoft.Win32.SafeHandles;
using OrleansKms.Files;

namespace OrleansKms.Grains.Audit.Trail;

/// <summary>Writes a trail's files, readable only by their owner.</summary>
internal static class TrailFiles
{
    private const FileShare Sharing = FileShare.Read | FileShare.Delete;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Opens a file for appending; its name is on disk when this returns.</summary>
    public static SafeFileHandle Open(string path, FileMode mode)
    {
        new FileStream(path, Options(mode)).Dispose();
        if (!OperatingSystem.IsWindows())
        {
            LibC.FlushDirectory(Path.GetDirectoryName(path)!);
        }

        return File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, Sharing);
    }

    /// <summary>Atomically replaces a file's content; it is on disk when this returns.</summary>
    public static void Put(string path, ReadOnlySpan<byte> content)
    {
        var unfinished = path + ".new";
        using (var file = new FileStream(unfinished, Options(FileMode.Create)))
        {
            RandomAccess.Write(file.SafeFileHandle, content, 0);
            LibC.FlushFile(file.SafeFileHandle);
        }

        PrivateFile.Replace(unfinished, path);
    }

    /// <summary>Writes a new file that nobody reads yet, or replaces one atomically; on disk only after <see cref="Flush"/>.</summary>
    public static void Write(string path, ReadOnlySpan<byte> content)
    {
        var isNew = !File.Exists(path);
        var written = isNew ? path : path + ".new";
        using (var file = new FileStream(written, Options(FileMode.Create)))
        {
            RandomAccess.Write(file.SafeFileHandle, content, 0);
        }

        if (!isNew)
        {
            File.Move(written, path, overwrite: true);
        }
    }

    /// <summary>Flushes files and their names to disk.</summary>
    /// <param name="paths">The files.</param>
    /// <param name="root">The topmost folder whose names are flushed.</param>
    public static void Flush(IReadOnlyCollection<string> paths, string root)
    {
        var directories = new HashSet<string>(StringComparer.Ordinal);
        foreach (var path in paths)
        {
            using var handle = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, Sharing);
            LibC.FlushFile(handle);
            for (var directory = Path.GetDirectoryName(path)!; directory.Length >= root.Length && directories.Add(directory);)
            {
                directory = Path.GetDirectoryName(directory)!;
            }
        }

        foreach (var directory in OperatingSystem.IsWindows() ? [] : directories)
        {
            LibC.FlushDirectory(directory);
        }
    }

    private static FileStreamOptions Options(FileMode mode)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.ReadWrite, Share = Sharing, BufferSize = 0 };
        if (mode != FileMode.Open && !OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        return options;
    }
}

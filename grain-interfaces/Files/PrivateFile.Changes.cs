using Microsoft.Win32.SafeHandles;

namespace OrleansKms.Files;

/// <content>Making, replacing and erasing. Only the owner may read what is made, whatever the umask says.</content>
internal static partial class PrivateFile
{
    private const UnixFileMode DirectoryMode = OwnerOnly | UnixFileMode.UserExecute;

    /// <summary>Creates a directory, or removes everybody else's access to it.</summary>
    /// <param name="path">An absolute path.</param>
    public static void PrepareDirectory(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
            return;
        }

        Directory.CreateDirectory(path, DirectoryMode);
        if (File.GetUnixFileMode(path) != DirectoryMode) File.SetUnixFileMode(path, DirectoryMode);
    }

    /// <summary>Opens a file exclusively; creates it, empty, if it is missing.</summary>
    /// <exception cref="IOException">Another process has it open.</exception>
    public static FileStream OpenExclusive(string path) => new(path, Options(FileMode.OpenOrCreate, FileShare.None));

    /// <summary>Creates a file and opens it exclusively.</summary>
    /// <exception cref="IOException">It exists already.</exception>
    public static FileStream OpenNew(string path) => new(path, Options(FileMode.CreateNew, FileShare.None));

    /// <summary>Creates an empty file if it is missing, or removes everybody else's access to it.</summary>
    public static void EnsureExists(string path)
    {
        using var file = new FileStream(path, Options(FileMode.OpenOrCreate, FileShare.ReadWrite));
        Close(file.SafeFileHandle);
    }

    /// <summary>
    /// Writes a file whole or not at all, flushed to the disk when this returns, including its name, without which a power cut
    /// would lose the file. A file or a link of that name is left as it is.
    /// </summary>
    /// <param name="path">An absolute path, in a directory that exists.</param>
    /// <param name="content">All of it.</param>
    /// <returns>False when the name is taken.</returns>
    public static bool TryWriteNew(string path, ReadOnlySpan<byte> content)
    {
        // Under a name of its own, so that of two concurrent writers neither touches the other's unfinished file.
        var unfinished = $"{path}.{Guid.NewGuid():N}.tmp";
        try
        {
            using (var file = new FileStream(unfinished, Options(FileMode.CreateNew, FileShare.None)))
            {
                Close(file.SafeFileHandle);
                // Straight to the file: a buffer would keep a copy of a secret.
                RandomAccess.Write(file.SafeFileHandle, content, 0);
                LibC.FlushFile(file.SafeFileHandle);
            }

            if (!TryName(unfinished, path)) return false;
        }
        finally
        {
            File.Delete(unfinished);
        }

        FlushDirectoryOf(path);
        return true;
    }

    /// <summary>Like the other, for a file that must not exist yet.</summary>
    /// <exception cref="IOException">It exists, or cannot be written.</exception>
    public static void WriteNew(string path, ReadOnlySpan<byte> content)
    {
        if (!TryWriteNew(path, content)) throw new IOException($"The file {path} exists already.");
    }

    /// <summary>
    /// Replaces a file by another one of the same directory, atomically, flushed to the disk when this returns.
    /// </summary>
    public static void Replace(string by, string path)
    {
        File.Move(by, path, overwrite: true);
        FlushDirectoryOf(path);
    }

    /// <summary>
    /// Overwrites a file with zeros and removes it. A copy may remain where the file system or the disk writes elsewhere than
    /// before, and wherever somebody made one.
    /// </summary>
    public static void Erase(string path)
    {
        using (var file = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.None, bufferSize: 0))
        {
            RandomAccess.Write(file.SafeFileHandle, new byte[file.Length], 0);
            LibC.FlushFile(file.SafeFileHandle);
        }

        File.Delete(path);
        FlushDirectoryOf(path);
    }

    private static FileStreamOptions Options(FileMode mode, FileShare share)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.ReadWrite, Share = share, BufferSize = 0 };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = OwnerOnly;
        return options;
    }

    private static void Close(SafeFileHandle file)
    {
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(file, OwnerOnly);
    }

    /// <summary>Gives a finished file its name, unless that is taken. The name under which it was written may remain beside it.</summary>
    /// <param name="unfinished">The file, flushed to the disk.</param>
    /// <param name="path">The name, in the same directory.</param>
    /// <returns>False when the name is taken.</returns>
    // By a second name, which the kernel gives only if the name is free. File.Move checks first and renames then, so that of two
    // concurrent writers the later would replace the other.
    public static bool TryName(string unfinished, string path)
    {
        if (!OperatingSystem.IsWindows() && LibC.TryLink(unfinished, path) is { } isNamed) return isNamed;
        try
        {
            File.Move(unfinished, path, overwrite: false);
            return true;
        }
        catch (IOException) when (File.Exists(unfinished) && IsThere(path))
        {
            return false;
        }
    }

    /// <summary>Whether a name is taken. A dangling link counts too.</summary>
    public static bool IsThere(string path) => Path.Exists(path) || new FileInfo(path).LinkTarget is not null;

    /// <summary>Flushes the names in a file's directory to the disk.</summary>
    /// <param name="path">An absolute path.</param>
    public static void FlushDirectoryOf(string path)
    {
        if (!OperatingSystem.IsWindows()) LibC.FlushDirectory(Path.GetDirectoryName(path)!);
    }
}

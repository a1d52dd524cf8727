using Microsoft.Win32.SafeHandles;

namespace OrleansKms.Files;

/// <content>Making, replacing and erasing. Only the owner may read what is made, whatever the umask says.</content>
internal static partial class PrivateFile
{
    private const UnixFileMode DirectoryMode = OwnerOnly | UnixFileMode.UserExecute;

    /// <summary>Makes a directory, or takes the rights to it from everybody else.</summary>
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

    /// <summary>Opens a file for this process alone; makes it, empty, if it is missing.</summary>
    /// <exception cref="IOException">Another process has it.</exception>
    public static FileStream OpenExclusive(string path) => new(path, Options(FileMode.OpenOrCreate, FileShare.None));

    /// <summary>Makes an empty file if it is missing, or takes the rights to it from everybody else.</summary>
    public static void EnsureExists(string path)
    {
        using var file = new FileStream(path, Options(FileMode.OpenOrCreate, FileShare.ReadWrite));
        Close(file.SafeFileHandle);
    }

    /// <summary>
    /// Writes a file whole or not at all, and on the disk when this returns: also its name, without which the file is lost with the
    /// power. A file or a link of that name is left as it is.
    /// </summary>
    /// <param name="path">An absolute path, in a directory that is there.</param>
    /// <param name="content">All of it.</param>
    /// <returns>False when there is something of that name already.</returns>
    public static bool TryWriteNew(string path, ReadOnlySpan<byte> content)
    {
        // A name of its own, so that of two that write at once none touches what the other has not finished.
        var unfinished = $"{path}.{Guid.NewGuid():N}.tmp";
        try
        {
            using (var file = new FileStream(unfinished, Options(FileMode.CreateNew, FileShare.None)))
            {
                Close(file.SafeFileHandle);
                // Straight to the file: a buffer would keep a copy of a secret.
                RandomAccess.Write(file.SafeFileHandle, content, 0);
                RandomAccess.FlushToDisk(file.SafeFileHandle);
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

    /// <summary>The same for a file that must not be there.</summary>
    /// <exception cref="IOException">It is, or cannot be written.</exception>
    public static void WriteNew(string path, ReadOnlySpan<byte> content)
    {
        if (!TryWriteNew(path, content)) throw new IOException($"The file {path} is there already.");
    }

    /// <summary>Puts a file in the place of another one of the same directory, at once and on the disk when this returns.</summary>
    public static void Replace(string by, string path)
    {
        File.Move(by, path, overwrite: true);
        FlushDirectoryOf(path);
    }

    /// <summary>
    /// Overwrites a file with zeros and removes it. A copy may stay where the file system or the disk writes elsewhere than before;
    /// and of course where somebody made one.
    /// </summary>
    public static void Erase(string path)
    {
        using (var file = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.None, bufferSize: 0))
        {
            RandomAccess.Write(file.SafeFileHandle, new byte[file.Length], 0);
            RandomAccess.FlushToDisk(file.SafeFileHandle);
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

    // By a second name, which the kernel gives only if nothing has it. File.Move looks first and renames then, so that of two that write
    // at once the later one would take the place of the other.
    private static bool TryName(string unfinished, string path)
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

    // A link that leads nowhere is there, too.
    private static bool IsThere(string path) => Path.Exists(path) || new FileInfo(path).LinkTarget is not null;

    private static void FlushDirectoryOf(string path)
    {
        if (!OperatingSystem.IsWindows()) LibC.FlushDirectory(Path.GetDirectoryName(path)!);
    }
}

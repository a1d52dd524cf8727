using System.Runtime.InteropServices;

namespace OrleansKms.Grains.Storage;

/// <summary>Files and directories that only their owner may read. What the umask says does not matter.</summary>
internal static class PrivateFiles
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode DirectoryMode = OwnerOnly | UnixFileMode.UserExecute;
    private const UnixFileMode Others =
        UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    /// <summary>Makes the directory, or takes the rights to it from everybody else.</summary>
    public static void PrepareDirectory(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
            return;
        }

        Directory.CreateDirectory(path, DirectoryMode);
        File.SetUnixFileMode(path, DirectoryMode);
    }

    /// <summary>Opens a file for this process alone; makes it, empty, if it is missing.</summary>
    /// <exception cref="IOException">Another process has it.</exception>
    public static FileStream OpenExclusive(string path) => new(path, Options(FileMode.OpenOrCreate, FileShare.None));

    /// <summary>Makes an empty file if it is missing.</summary>
    public static void EnsureExists(string path)
    {
        using var file = new FileStream(path, Options(FileMode.OpenOrCreate, FileShare.ReadWrite));
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, OwnerOnly);
        }
    }

    /// <summary>
    /// Writes a file that must not exist, whole or not at all, and on the disk when this returns: also its name, without
    /// which the file is lost with the power.
    /// </summary>
    public static void WriteNew(string path, ReadOnlySpan<byte> content)
    {
        var unfinished = path + ".new";
        File.Delete(unfinished);
        using (var file = new FileStream(unfinished, Options(FileMode.CreateNew, FileShare.None)))
        {
            // Straight to the file: a buffer would keep a copy of a secret.
            RandomAccess.Write(file.SafeFileHandle, content, 0);
            RandomAccess.FlushToDisk(file.SafeFileHandle);
        }

        File.Move(unfinished, path, overwrite: false);
        FlushDirectory(Path.GetDirectoryName(path)!);
    }

    /// <summary>Puts a file in the place of another one of the same directory, at once and on the disk when this returns.</summary>
    public static void Replace(string by, string path)
    {
        File.Move(by, path, overwrite: true);
        FlushDirectory(Path.GetDirectoryName(path)!);
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
        FlushDirectory(Path.GetDirectoryName(path)!);
    }

    /// <summary>Refuses a secret that others may read or change.</summary>
    /// <param name="path">The file.</param>
    /// <param name="groupMayRead">Whether its group may read it too.</param>
    public static void RequirePrivate(string path, bool groupMayRead = false)
    {
        var refused = groupMayRead ? Others & ~UnixFileMode.GroupRead : Others;
        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & refused) != 0)
        {
            throw new StartRefusedException(
                $"The file {path} is open to others than its owner. Run: chmod {(groupMayRead ? "440" : "600")} {path}");
        }
    }

    private static FileStreamOptions Options(FileMode mode, FileShare share)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.ReadWrite, Share = share, BufferSize = 0 };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        return options;
    }

    // .NET opens no directories, so this asks the C library.
    private static void FlushDirectory(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        var descriptor = NativeOpen(path, 0);
        if (descriptor < 0)
        {
            throw new IOException($"Cannot open {path} (errno {Marshal.GetLastPInvokeError()}).");
        }

        var failed = NativeFsync(descriptor) != 0;
        var error = Marshal.GetLastPInvokeError();
        _ = NativeClose(descriptor);
        if (failed)
        {
            throw new IOException($"Cannot flush {path} (errno {error}).");
        }
    }

#pragma warning disable SYSLIB1054 // Generated marshalling needs unsafe code, which this project does not allow.
    [DllImport("libc", EntryPoint = "open", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int NativeOpen([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);

    [DllImport("libc", EntryPoint = "fsync", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int NativeFsync(int descriptor);

    [DllImport("libc", EntryPoint = "close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int NativeClose(int descriptor);
#pragma warning restore SYSLIB1054
}

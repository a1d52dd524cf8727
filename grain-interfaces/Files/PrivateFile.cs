using Microsoft.Win32.SafeHandles;

namespace OrleansKms.Files;

/// <summary>
/// Files and directories with secrets: who may read them, and how they are created, replaced and erased. The only place that
/// knows modes and owners.
/// </summary>
internal static partial class PrivateFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode Others = UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;
    private const UnixFileMode GroupChanges = UnixFileMode.GroupWrite | UnixFileMode.GroupExecute;

    /// <summary>
    /// Opens a file for reading, if it is closed to everyone who must not read it. The check is on the open file and not on its
    /// name, which may be a link (as where secrets are mounted) or stand for another file a moment later.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="readers">Who may read it besides its owner.</param>
    /// <exception cref="OpenToOthersException">Others may read or change it.</exception>
    /// <exception cref="IOException">It is missing or cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">This process may not read it, or it is a directory.</exception>
    public static SafeFileHandle Open(string path, SecretReaders readers)
    {
        var file = File.OpenHandle(path);
        if (OperatingSystem.IsWindows() || IsPrivate(File.GetUnixFileMode(file), readers, isLentByRoot: readers == SecretReaders.GroupOfRoots && IsLentByRoot(file)))
        {
            return file;
        }

        file.Dispose();
        throw new OpenToOthersException(path, $"chmod {(readers == SecretReaders.Group ? "o=,g-wx" : "600")} {path}");
    }

    /// <summary>Reads a whole file.</summary>
    /// <returns>Its content in pinned memory, which the caller may zero; null when it is longer than <paramref name="maxLength"/>.</returns>
    /// <inheritdoc cref="Open"/>
    public static byte[]? Read(string path, SecretReaders readers, int maxLength)
    {
        using var file = Open(path, readers);
        return RandomAccess.GetLength(file) <= maxLength ? ReadAll(file) : null;
    }

    /// <summary>Reads a whole open file into pinned memory, of which the garbage collector leaves no copies.</summary>
    /// <exception cref="IOException">It became shorter in the meantime.</exception>
    public static byte[] ReadAll(SafeFileHandle file)
    {
        var content = GC.AllocateUninitializedArray<byte>(checked((int)RandomAccess.GetLength(file)), pinned: true);
        var read = 0;
        while (read < content.Length)
        {
            var count = RandomAccess.Read(file, content.AsSpan(read), read);
            if (count == 0) throw new IOException("The file became shorter while it was read.");
            read += count;
        }

        return content;
    }

    /// <summary>Whether a mode keeps a secret.</summary>
    /// <param name="mode">The file's mode.</param>
    /// <param name="readers">Who may read it besides its owner.</param>
    /// <param name="isLentByRoot">Whether root owns it and this process is another user.</param>
    public static bool IsPrivate(UnixFileMode mode, SecretReaders readers, bool isLentByRoot)
    {
        var mayGroupRead = readers == SecretReaders.Group || (readers == SecretReaders.GroupOfRoots && isLentByRoot);
        return (mode & (Others | GroupChanges)) == 0 && (mayGroupRead || (mode & UnixFileMode.GroupRead) == 0);
    }

    private static bool IsLentByRoot(SafeFileHandle file) =>
        OperatingSystem.IsLinux() && LibC.EffectiveUserId() != 0 && LibC.OwnerOf(file) == 0;
}

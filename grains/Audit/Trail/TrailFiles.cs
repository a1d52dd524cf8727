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
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.ReadWrite, Share = Sharing, BufferSize = 0 };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        new FileStream(path, options).Dispose();
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
        File.Delete(unfinished);
        using (var handle = Open(unfinished, FileMode.CreateNew))
        {
            RandomAccess.Write(handle, content, 0);
            RandomAccess.FlushToDisk(handle);
        }

        PrivateFile.Replace(unfinished, path);
    }
}

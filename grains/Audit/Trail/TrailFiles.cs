using Microsoft.Win32.SafeHandles;
using OrleansKms.Files;

namespace OrleansKms.Grains.Audit.Trail;

/// <summary>Writes files of a trail, readable by their owner alone.</summary>
internal static class TrailFiles
{
    private const FileShare Sharing = FileShare.Read | FileShare.Delete;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Opens a file that records are appended to; its name is on the disk when this returns.</summary>
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

    /// <summary>Puts content in the place of what a file held, at once, and on the disk when this returns.</summary>
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

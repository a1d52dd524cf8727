using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace OrleansKms.Files;

/// <summary>File operations that .NET lacks, from the C library.</summary>
internal static class LibC
{
    private const int AtEmptyPath = 0x1000;
    private const int CurrentDirectory = -100; // AT_FDCWD
    private const uint StatxType = 0x1;
    private const uint StatxUserId = 0x8;
    private const uint StatxInode = 0x100;
    private const int StatxSize = 256;
    private const int UserIdOffset = 20; // of stx_uid, the same on every architecture
    private const int ModeOffset = 28; // of stx_mode
    private const int InodeOffset = 32; // of stx_ino
    private const int DeviceOffset = 136; // of stx_dev_major, which stx_dev_minor follows
    private const int FileTypeMask = 0xF000; // S_IFMT
    private const int RegularFile = 0x8000; // S_IFREG
    private const int FileExists = 17; // EEXIST
    private const int Interrupted = 4; // EINTR

    /// <summary>The owner of an open file, on Linux; null where that cannot be told.</summary>
    public static uint? OwnerOf(SafeFileHandle file)
    {
        var status = new byte[StatxSize];
        var isTold = Statx((int)file.DangerousGetHandle(), "", AtEmptyPath, StatxUserId, status) == 0 && (ReadNative(status, 0) & StatxUserId) != 0;
        return isTold ? ReadNative(status, UserIdOffset) : null;
    }

    /// <summary>Whether a path leads to something else than a file with content: a directory, a device, a pipe, a socket. Linux only; elsewhere a directory.</summary>
    public static bool IsSpecial(string path)
    {
        if (!OperatingSystem.IsLinux()) return Directory.Exists(path);
        var status = new byte[StatxSize];
        return Statx(CurrentDirectory, path, 0, StatxType, status) == 0
            && (MemoryMarshal.Read<ushort>(status.AsSpan(ModeOffset)) & FileTypeMask) != RegularFile;
    }

    /// <summary>Which file a path leads to, whatever names it has; null where there is none, or that cannot be told. Linux only.</summary>
    public static (ulong Device, ulong Inode)? IdentityOf(string path)
    {
        var status = new byte[StatxSize];
        return OperatingSystem.IsLinux() && Statx(CurrentDirectory, path, 0, StatxInode, status) == 0 ? IdentityIn(status) : null;
    }

    /// <summary>Which file is open; null where that cannot be told. Linux only.</summary>
    public static (ulong Device, ulong Inode)? IdentityOf(SafeFileHandle file)
    {
        var status = new byte[StatxSize];
        return OperatingSystem.IsLinux() && Statx((int)file.DangerousGetHandle(), "", AtEmptyPath, StatxInode, status) == 0 ? IdentityIn(status) : null;
    }

    /// <summary>Gives a file a second name.</summary>
    /// <returns>False when the name is taken; null when the file system does not support second names.</returns>
    public static bool? TryLink(string path, string second) =>
        Link(path, second) == 0 ? true : Marshal.GetLastPInvokeError() == FileExists ? false : null;

    /// <summary>
    /// Flushes an open file to the disk. RandomAccess.FlushToDisk ignores some errors, such as that of a file system that has become
    /// read-only and has stored nothing.
    /// </summary>
    /// <exception cref="IOException">It cannot be flushed. What was written since the last flush may be lost, and flushing again does not help.</exception>
    public static void FlushFile(SafeFileHandle file)
    {
        if (!OperatingSystem.IsLinux())
        {
            RandomAccess.FlushToDisk(file);
            return;
        }

        while (Flush(file) != 0)
        {
            var error = Marshal.GetLastPInvokeError();
            if (error != Interrupted) throw new IOException($"Cannot flush a file to the disk (errno {error}).");
        }
    }

    /// <summary>Flushes the names in a directory to the disk.</summary>
    /// <exception cref="IOException">They cannot be flushed.</exception>
    public static void FlushDirectory(string path)
    {
        var descriptor = Open(path, 0);
        if (descriptor < 0) throw new IOException($"Cannot open {path} (errno {Marshal.GetLastPInvokeError()}).");
        var failed = Flush(descriptor) != 0;
        var error = Marshal.GetLastPInvokeError();
        _ = Close(descriptor);
        if (failed) throw new IOException($"Cannot flush {path} (errno {error}).");
    }

    /// <summary>Flushes a path's whole file system to the disk; Linux only.</summary>
    /// <exception cref="IOException">It cannot be flushed.</exception>
    public static void FlushFileSystem(string path)
    {
        var descriptor = Open(path, 0);
        if (descriptor < 0) throw new IOException($"Cannot open {path} (errno {Marshal.GetLastPInvokeError()}).");
        var failed = FlushAll(descriptor) != 0;
        var error = Marshal.GetLastPInvokeError();
        _ = Close(descriptor);
        if (failed) throw new IOException($"Cannot flush the file system of {path} (errno {error}).");
    }

    private static (ulong Device, ulong Inode)? IdentityIn(byte[] status) => (ReadNative(status, 0) & StatxInode) == 0
        ? null
        : (((ulong)ReadNative(status, DeviceOffset) << 32) | ReadNative(status, DeviceOffset + sizeof(uint)), MemoryMarshal.Read<ulong>(status.AsSpan(InodeOffset)));

    private static uint ReadNative(byte[] status, int offset) => MemoryMarshal.Read<uint>(status.AsSpan(offset));

#pragma warning disable SYSLIB1054 // Generated marshalling needs unsafe code, which this project does not allow.
    /// <summary>Who this process is.</summary>
    [DllImport("libc", EntryPoint = "geteuid")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static extern uint EffectiveUserId();

    [DllImport("libc", EntryPoint = "statx", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Statx(
        int directory, [MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags, uint mask, [Out] byte[] status);

    [DllImport("libc", EntryPoint = "link", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Link([MarshalAs(UnmanagedType.LPUTF8Str)] string path, [MarshalAs(UnmanagedType.LPUTF8Str)] string second);

    [DllImport("libc", EntryPoint = "open", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);

    [DllImport("libc", EntryPoint = "fsync", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Flush(int descriptor);

    [DllImport("libc", EntryPoint = "fsync", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Flush(SafeFileHandle file);

    [DllImport("libc", EntryPoint = "syncfs", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int FlushAll(int descriptor);

    [DllImport("libc", EntryPoint = "close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Close(int descriptor);
#pragma warning restore SYSLIB1054
}
